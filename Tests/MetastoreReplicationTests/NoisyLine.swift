internal import ArchiveSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// An archive whose records are noise: forks and snapshots stand wherever a test wants them.
struct NoisyLine {
    let root: String
    let line: ArchiveLine
    private(set) var writer: ArchiveWriter
    /// What the history has now.
    private(set) var history: [LogRecord] = []
    private(set) var snapshots: [SnapshotManifest] = []
    let beginning: ArchivePlace

    /// One with forks, and a snapshot now and then.
    static func make(
        _ root: String, _ random: inout Seeded, epochs: ClosedRange<Int> = 1...5, records: ClosedRange<Int> = 0...30
    ) async throws -> NoisyLine {
        var noisy = try await NoisyLine(root, &random)
        for number in 0..<Int.random(in: epochs, using: &random) {
            if number > 0 { try await noisy.fork(Int.random(in: 0...noisy.history.count, using: &random), &random) }
            for _ in 0..<2 {
                try await noisy.append(Int.random(in: records, using: &random), &random)
                guard Bool.random(using: &random), !noisy.history.isEmpty else { continue }
                try await noisy.snapshot(Int.random(in: 1...noisy.history.count, using: &random))
            }
        }
        try await noisy.append(5, &random)
        try await noisy.snapshot(noisy.history.count)
        try await noisy.append(3, &random)
        return noisy
    }

    init(_ root: String, _ random: inout Seeded) async throws {
        self.root = root
        line = ArchiveLine(try DirectoryTarget(path: root), of: random.uuid())
        let first = Epoch(number: 1, nonce: random.next())
        (writer, _) = try await ArchiveWriter.begin(line, with: .beginning(of: line.cluster, in: first))
        beginning = writer.end
    }

    /// In segments of random sizes.
    mutating func append(_ count: Int, most: Int = 4, _ random: inout Seeded) async throws {
        for _ in 0..<count {
            let epoch = writer.end.epoch
            history.append(
                .made(after: history.last, in: epoch, of: line.cluster, by: "epoch \(epoch.number)", &random))
        }
        while writer.end.revision < history.last?.revision ?? .absent {
            let rest = history.filter { $0.revision > writer.end.revision }
            let part = Array(rest.prefix(Int.random(in: 1...min(most, rest.count), using: &random)))
            let sums = [RecordKind.keyValue: UInt128(random.next())]
            _ = try await writer.append(
                Segment(cluster: line.cluster, part, after: writer.end.chain, digests: sums))
        }
    }

    /// One record in a segment that says this of digests.
    mutating func append(_ sums: [RecordKind: UInt128], _ random: inout Seeded) async throws {
        let record = LogRecord.made(after: history.last, in: writer.end.epoch, of: line.cluster, by: "one", &random)
        history.append(record)
        _ = try await writer.append(
            Segment(cluster: line.cluster, [record], after: writer.end.chain, digests: sums))
    }

    /// Goes on in a new epoch from a revision before; what came after it is left behind.
    mutating func fork(_ count: Int, _ random: inout Seeded) async throws {
        let end = writer.end
        history = Array(history.prefix(count))
        let last = history.last
        // An epoch that opens at the end goes on from the last one, even if that has nothing.
        let parent = count == Int(end.revision.rawValue) ? end.epoch : last?.epoch ?? beginning.epoch
        try await writer.open(
            EpochRecord(
                cluster: line.cluster, epoch: Epoch(number: end.epoch.number + 1, nonce: random.next()),
                parent: parent, fork: Revision(rawValue: Int64(count)),
                chain: last?.chain ?? LogRecord.genesis(cluster: line.cluster), holder: "one",
                time: Timestamp(microseconds: 0)))
    }

    /// A manifest at a revision of the history; its parts are none.
    ///
    /// - Parameter anchor: where the line goes on, unless it is the last object's end before the revision.
    mutating func snapshot(_ revision: Int, anchor: ArchivePlace? = nil) async throws {
        let record = history[revision - 1]
        let found = try #require(try await ArchiveHistory(line))
        let place = try #require(anchor ?? found.place(before: record.revision))
        var row = [Value](repeating: .integer(1), count: 24)
        (row[1], row[2], row[3]) = (
            .uuid(line.cluster), .integer(record.epoch.number), .integer(Int64(bitPattern: record.epoch.nonce))
        )
        (row[4], row[5], row[6]) = (.integer(record.revision.rawValue), .integer(0), .bytes(record.chain))
        (row[7], row[19]) = (.timestamp(0), .bytes([UInt8](repeating: 0, count: 16 * RecordKind.allCases.count)))
        row[21] = .bytes(LogRecord.genesis(cluster: line.cluster))
        let manifest = SnapshotManifest(
            form: .portable, attempt: 1, anchor: place, head: try #require(SnapshotHead(row: row)), tables: [],
            parts: [])
        if try await line.target.create(line.names.manifest(manifest.id), manifest.bytes) == .created {
            snapshots.append(manifest)
        }
    }

    /// All snapshots are removed.
    func forgettingSnapshots() async throws -> NoisyLine {
        for snapshot in snapshots { try await line.target.remove(line.names.manifest(snapshot.id)) }
        var noisy = self
        noisy.snapshots = []
        return noisy
    }

    /// A segment of another master that goes on from a place.
    func other(after place: ArchivePlace, _ count: Int, _ random: inout Seeded) -> Segment {
        var records = history.filter { $0.revision == place.revision }
        for _ in 0..<count {
            records.append(.made(after: records.last, in: place.epoch, of: line.cluster, by: "another", &random))
        }
        let own = records.filter { $0.revision > place.revision }
        return Segment(cluster: line.cluster, own, after: place.chain, digests: [.keyValue: 1])
    }

    /// The segments that have names of their own, in order: of the history, and what it left behind.
    func segments(_ line: ArchiveLine? = nil) async throws -> [(name: ArchiveName, segment: Segment)] {
        let line = line ?? self.line
        var found: [(ArchiveName, Segment)] = []
        for name in try await line.target.list(under: line.names.log, after: nil, limit: 10_000) {
            let bytes = try #require(try await line.target.read(name, limit: .max))
            if bytes.starts(with: SegmentHeader.magic) { found.append((name, try Segment(bytes, named: "\(name)"))) }
        }
        return found
    }

    /// Whoever reads it anew finds the history, wherever he begins, and each object under the name that he is told.
    func expectWhole(
        in target: (any ArchiveTarget)? = nil, after start: Revision = .absent, followers: Int = 8,
        _ random: inout Seeded, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let line = ArchiveLine(target ?? self.line.target, of: self.line.cluster)
        let kept = history.filter { $0.revision > start }
        let found = try #require(try await ArchiveHistory(line), sourceLocation: sourceLocation)
        #expect(found.end == writer.end && found.start.revision == start, sourceLocation: sourceLocation)
        var records: [LogRecord] = []
        try await found.forEachPart(after: start) { part in
            records += part.records
            let bytes = try await line.target.read(part.object, limit: .max)
            #expect(bytes != nil, "\(part.object)", sourceLocation: sourceLocation)
        }
        #expect(records.map(\.chain) == kept.map(\.chain), sourceLocation: sourceLocation)
        #expect(records.map(\.body) == kept.map(\.body), sourceLocation: sourceLocation)
        for snapshot in snapshots where snapshot.anchor.revision >= start {
            guard found.stretches.contains(where: { $0.record.epoch == snapshot.head.epoch }),
                history.contains(where: { $0.chain == snapshot.head.chain })
            else { continue }
            // An epoch that opens there may have taken its place.
            let place = found.place(before: snapshot.anchor.revision)
            #expect(place?.chain == snapshot.anchor.chain, sourceLocation: sourceLocation)
        }
        for _ in 0..<followers {
            guard let record = kept.dropLast().randomElement(using: &random) else { break }
            #expect(try await found.link(at: record.revision) == record.chain, sourceLocation: sourceLocation)
            let source = ArchiveLogSource(line, polling: .milliseconds(1))
            let answer = try await source.next(after: LogPlace(record, of: line.cluster), waiting: .zero)
            let next = history[Int(record.revision.rawValue)]
            #expect(
                answer.parts.first?.records.first?.chain == next.chain, "after \(record.revision)",
                sourceLocation: sourceLocation)
        }
    }
}

/// A target whose calls fail from one of them on, as if the process had been killed there.
struct CutTarget: PassedTarget {
    let base: any ArchiveTarget
    let calls = Counter()
    /// The first that isn't made; or, where the answer is what is lost, the first that nobody hears of.
    let first: Int
    let isAnswerLost: Bool

    func pass<Answer>(
        _ call: () async throws(ArchiveError) -> Answer
    ) async throws(ArchiveError) -> Answer {
        let number = calls.value
        calls.count()
        let killed = ArchiveError.unavailable(place: place, reason: "killed")
        guard number < first || number == first && isAnswerLost else { throw killed }
        let answer = try await call()
        guard number < first else { throw killed }
        return answer
    }
}

extension ArchiveTarget {
    /// Puts other bytes under a name.
    func replace(_ name: ArchiveName, with bytes: [UInt8]) async throws {
        try await remove(name)
        #expect(try await create(name, bytes) == .created)
    }
}
