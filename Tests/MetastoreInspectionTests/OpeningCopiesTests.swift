internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `Copies of a store that is written` {
    /// What a volume's snapshot holds is what was on the device at one moment: everything that was flushed by then.
    @Test(.enabled(if: isRoot)) func `a snapshot of its volume has every acknowledged revision`() async throws {
        try await withScratch { root in
            let volume = try Volume(root, "volume", megabytes: 96)
            try volume.mount("rw")
            let process = try CrashProcess("write", volume.mountPoint + "/metastore.db", "\(Scale.seed)")
            #expect(try process.line() == "open")
            var random = Scale.random(51)
            var heard: [Int64] = []
            var commits = 0
            let count = Scale.of(100)
            for number in 0..<count {
                usleep(UInt32.random(in: 5_000...60_000, using: &random))
                process.stop()
                // What it has said by now was acknowledged before.
                while let answer = try process.waitingLine() {
                    let words = answer.split(separator: " ")
                    if words.first == "ack", let told = Answer(String(words[2])) { heard.append(told.revision) }
                }
                let image = root + "/snapshot.img"
                try run("cp", "--reflink=auto", "--sparse=always", volume.image, image)
                let snapshot = try Volume(root, "snapshot-\(number)", image: image)
                try snapshot.mount("ro")
                commits += try Self.look(snapshot.mountPoint, heard)
                snapshot.unmount()
                // Not before: what it wrote meanwhile would make each look longer than the one before.
                process.signal(SIGCONT)
            }
            process.kill()
            print("\(count) snapshots: \(heard.count) acknowledged, none lost; \(commits / count) commits a log")
            #expect(!heard.isEmpty)
        }
    }

    /// - Returns: how many commits were in the log.
    private static func look(_ place: String, _ acknowledged: [Int64]) throws -> Int {
        let before = try Traces(place)
        let inspection = try Inspection.open(path: place)
        let revision = try inspection.read {
            let found = try inspection.store.verify()
            #expect(found.isClean, "\(found)")
            return found.revision
        }
        #expect(inspection.verdict == .notClosedCleanly(provenUpTo: revision), "\(inspection.verdict)")
        #expect(inspection.log?.flaw == nil, "\(String(describing: inspection.log))")
        let lost = acknowledged.filter { $0 > revision.rawValue }
        #expect(lost == [], "acknowledged, and not in a snapshot that ends at \(revision)")
        #expect(try before.again() == before)
        return inspection.log?.commits ?? 0
    }

    /// How people copy files while they are written.
    enum Way: CaseIterable {
        case databaseThenLog, logThenDatabase, databaseAlone, chunked
    }

    @Test func `none that was made with a file at a time is ever clean`() async throws {
        try await withScratch { root in
            var random = Scale.random(52)
            var outcomes: [String: Int] = [:]
            var writer: CrashProcess?
            for number in 0..<Scale.of(500) {
                let place = root + "/place-\(number / 25)"
                if number % 25 == 0 {
                    mkdir(place, 0o755)
                    writer = try CrashProcess("write", place + "/metastore.db", "\(Scale.seed)")
                    #expect(try writer?.line() == "open")
                }
                let process = try #require(writer)
                usleep(UInt32.random(in: 0...20_000, using: &random))
                let copy = root + "/copy"
                mkdir(copy, 0o755)
                let way = Way.allCases[number % Way.allCases.count]
                try Self.copy(way, place + "/metastore.db", to: copy + "/metastore.db")
                // The copy is made: what is written while it is looked at would only make the next larger.
                process.stop()
                let outcome: String
                do {
                    let inspection = try Inspection.open(path: copy)
                    #expect(inspection.verdict != .clean && inspection.verdict != .live, "copied \(way)")
                    let isWhole = (try? inspection.read { try inspection.store.verify() }.isClean) ?? false
                    outcome =
                        switch inspection.verdict {
                        case .damaged: "damaged"
                        default: isWhole ? "not closed cleanly" : "not closed cleanly, and verify finds more"
                        }
                } catch let error as StoreError {
                    #expect("\(error)".contains("salvage"), "\(error)")
                    outcome = "refused"
                }
                outcomes["\(way): \(outcome)", default: 0] += 1
                try run("rm", "-rf", copy)
                // Nobody else reads what it says, and a full pipe would stop it.
                while try process.waitingLine() != nil {}
                process.signal(SIGCONT)
            }
            writer?.kill()
            print("bad copies: \(outcomes.inWords)")
        }
    }

    private static func copy(_ way: Way, _ from: String, to: String) throws {
        let files =
            switch way {
            case .databaseThenLog, .chunked: ["", "-wal", ".head"]
            case .logThenDatabase: [".head", "-wal", ""]
            case .databaseAlone: [""]
            }
        for suffix in files where access(from + suffix, F_OK) == 0 {
            guard way == .chunked else {
                try write(try contents(from + suffix), to: to + suffix)
                continue
            }
            let (source, target) = (open(from + suffix, O_RDONLY), open(to + suffix, O_WRONLY | O_CREAT, 0o600))
            defer {
                close(source)
                close(target)
            }
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            while case let got = read(source, &piece, piece.count), got > 0 {
                _ = Glibc.write(target, piece, got)
                usleep(500)
            }
        }
    }
}
