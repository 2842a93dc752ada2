internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Testing

/// What became of the files.
enum Damage: String, CaseIterable, Sendable {
    case oneBit = "one flipped bit"
    case manyBits = "100 flipped bits"
    case smash = "512 bytes of noise"
    case smashes = "512 bytes of noise in 20 pages"
    case zeroedPage = "a zeroed page"
    case zeroedPages = "20 zeroed pages"
    case foreignPages = "5 pages of another store"
    case cut = "cut anywhere"
    case noHeader = "its first 100 bytes zeroed"
    case noSchema = "its first page zeroed"
    case beginning = "its first quarter zeroed"
    case shuffled = "5 pages changed places"

    func strike(_ bytes: [UInt8], _ random: inout SplitMix, other: [UInt8]) -> [UInt8] {
        var bytes = bytes
        let pages = bytes.count / 4_096
        func flip(_ random: inout SplitMix) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        func noise(_ random: inout SplitMix) {
            let place = Int.random(in: 0..<bytes.count / 512, using: &random) * 512
            for index in place..<place + 512 { bytes[index] = UInt8.random(in: 0...255, using: &random) }
        }
        func zero(_ random: inout SplitMix) {
            let place = Int.random(in: 1..<pages, using: &random) * 4_096
            for index in place..<place + 4_096 { bytes[index] = 0 }
        }
        switch self {
        case .oneBit: flip(&random)
        case .manyBits: for _ in 0..<100 { flip(&random) }
        case .smash: noise(&random)
        case .smashes: for _ in 0..<20 { noise(&random) }
        case .zeroedPage: zero(&random)
        case .zeroedPages: for _ in 0..<20 { zero(&random) }
        case .foreignPages:
            for _ in 0..<5 {
                let place = Int.random(in: 1..<min(pages, other.count / 4_096), using: &random) * 4_096
                bytes.replaceSubrange(place..<place + 4_096, with: other[place..<place + 4_096])
            }
        case .cut: bytes.removeLast(Int.random(in: 1..<bytes.count / 2, using: &random))
        case .noHeader: for index in 0..<100 { bytes[index] = 0 }
        case .noSchema: for index in 0..<4_096 { bytes[index] = 0 }
        case .beginning: for index in 0..<bytes.count / 4 { bytes[index] = 0 }
        case .shuffled:
            for _ in 0..<5 {
                let (one, two) = (
                    Int.random(in: 1..<pages, using: &random) * 4_096, Int.random(in: 1..<pages, using: &random) * 4_096
                )
                let page = Array(bytes[one..<one + 4_096])
                bytes.replaceSubrange(one..<one + 4_096, with: bytes[two..<two + 4_096])
                bytes.replaceSubrange(two..<two + 4_096, with: page)
            }
        }
        return bytes
    }
}

/// Every row of a new store is one that was there: as it was at its revision, or not in it at all.
@Suite(.serialized, .timed) struct `Salvaging a damaged store` {
    private static let rows = 3_000

    @Test func `never gives a wrong row while the log is there, whatever is damaged`() async throws {
        try await strike(isCompacted: false, Damage.allCases)
    }

    /// Pages of another store prove themselves just as well: only the log tells that they are not of this one. So a row
    /// of theirs comes in only where the record of its revision is lost too, and is marked.
    @Test func `never gives a wrong row where the log was compacted`() async throws {
        try await strike(isCompacted: true, Damage.allCases.filter { $0 != .foreignPages })
    }

    /// All times on a small store, and some on a large one where there is the time: both at once would take an hour.
    private func strike(isCompacted: Bool, _ kinds: [Damage]) async throws {
        for rows in Set([Self.rows, Scale.of(Self.rows * 20)]).sorted() {
            try await strike(isCompacted: isCompacted, kinds, rows: rows, times: Scale.of(rows == Self.rows ? 40 : 4))
        }
    }

    private func strike(isCompacted: Bool, _ kinds: [Damage], rows: Int, times: Int) async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: rows, isCompacted: isCompacted)
            let other = try await LostStore(root + "/other", rows: rows)
            var random = Scale.random(isCompacted ? 1 : 2)
            for damage in kinds {
                var (there, of, older, resurrected, corrected, aside, least) = (0, 0, 0, 0, 0, 0, 1.0)
                for _ in 0..<times {
                    let bytes = damage.strike(lost.bytes, &random, other: other.bytes)
                    let (_, target, report) = try lost.salvage(root, main: bytes, hasNote: Bool.random(using: &random))
                    let outcome = try await Outcome(lost, target, report)
                    there += outcome.there
                    of += outcome.of
                    older += outcome.older
                    resurrected += outcome.resurrected
                    corrected += outcome.corrected
                    aside += report.rows.reduce(0) { $0 + $1.aside }
                    least = min(least, Double(outcome.there) / Double(outcome.of))
                    if report.rows.allSatisfy({ $0.isWhole }) {
                        #expect(outcome.there == outcome.of && outcome.older == 0 && outcome.resurrected == 0)
                    }
                    let isMarked =
                        report.rows.contains { $0.unconfirmed > 0 } || report.revision < lost.contents.revision
                    if outcome.resurrected > 0 || outcome.older > 0 {
                        #expect(isMarked, "\(damage.rawValue): older rows that nothing tells of")
                    }
                }
                print(
                    """
                    salvage, \(isCompacted ? "log compacted" : "whole log"), \(damage.rawValue): \(there) of \(of) \
                    rows (at least \(Int(least * 1_000) / 10) %), \(older) older, \(resurrected) deleted before, \
                    \(aside) put aside, \(corrected) set right, \(times) times
                    """)
            }
        }
    }

    /// What became of the write-ahead log of a master that was cut off.
    private enum LogDamage: String, CaseIterable {
        case missing, cut, oneBit = "one flipped bit", manyBits = "20 flipped bits", noHeader = "its header zeroed"
        case both = "20 flipped bits, and as many in the database"
    }

    @Test func `never gives a wrong row where the write-ahead log is damaged`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: Scale.of(Self.rows * 4), isOpen: true)
            let whole = try #require(lost.log)
            var random = Scale.random(4)
            for damage in LogDamage.allCases {
                var (there, of, older, resurrected) = (0, 0, 0, 0)
                for _ in 0..<Scale.of(60) {
                    var (bytes, log) = (lost.bytes, whole)
                    func flip(_ bytes: inout [UInt8], _ count: Int) {
                        for _ in 0..<count {
                            let place = Int.random(in: 0..<bytes.count, using: &random)
                            bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                        }
                    }
                    switch damage {
                    case .missing: log = []
                    case .cut: log.removeLast(Int.random(in: 1..<log.count, using: &random))
                    case .oneBit: flip(&log, 1)
                    case .manyBits: flip(&log, 20)
                    case .noHeader: for index in 0..<32 { log[index] = 0 }
                    case .both:
                        flip(&log, 20)
                        flip(&bytes, 20)
                    }
                    let (_, target, report) = try lost.salvage(root, main: bytes, log: log.isEmpty ? nil : log)
                    let outcome = try await Outcome(lost, target, report)
                    there += outcome.there
                    of += outcome.of
                    older += outcome.older
                    resurrected += outcome.resurrected
                    // Kept about once a second: it may be behind.
                    #expect(report.notedRevision.map { $0 <= lost.contents.revision } == true)
                    if outcome.resurrected > 0 || outcome.older > 0 {
                        #expect(
                            report.revision < lost.contents.revision || report.rows.contains { $0.unconfirmed > 0 },
                            "older rows that nothing tells of")
                    }
                }
                print(
                    """
                    salvage, write-ahead log, \(damage.rawValue): \(there) of \(of) rows, \(older) older, \
                    \(resurrected) deleted before
                    """)
            }
        }
    }

    /// Nothing of a store, and nothing that could be told from one: an error or an empty store, and never a crash.
    @Test func `of noise nothing is made up`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 10)
            var random = Scale.random(3)
            for count in [0, 1, 100, 512, 4_096, 40_960] {
                let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                let (_, target, report) = try lost.salvage(root, main: noise, hasNote: false)
                let outcome = try await Outcome(lost, target, report)
                #expect(outcome.there == 0 && outcome.resurrected == 0)
                #expect(!report.isClusterKnown)
            }
        }
    }
}
