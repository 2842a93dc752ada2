internal import ArchiveSupport
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// A store was restored to an earlier revision, and went on from there: what came after is in the archive, and not in
/// its history.
@Suite(.serialized, .timed) struct `An archive after restores` {
    /// Appends records of an epoch, in segments of random sizes.
    private func append(
        _ count: Int, after history: [LogRecord], _ writer: inout ArchiveWriter, _ random: inout Seeded
    ) async throws -> [LogRecord] {
        var records = history
        for _ in 0..<count {
            let (epoch, cluster) = (writer.end.epoch, writer.line.cluster)
            records.append(.made(after: records.last, in: epoch, of: cluster, by: "epoch \(epoch.number)", &random))
        }
        while writer.end.revision < records.last?.revision ?? .absent {
            let rest = records.filter { $0.revision > writer.end.revision }
            let part = Array(rest.prefix(Int.random(in: 1...rest.count, using: &random)))
            _ = try await writer.append(
                Segment(cluster: writer.line.cluster, part, after: writer.end.chain, digests: [.keyValue: 1]))
        }
        return records
    }

    @Test func `has the history of its newest epoch, and of those that it goes on from`() async throws {
        var random = Seeded("restores")
        for _ in 0..<Seeded.count(200, least: 20) {
            try await withScratch { root in
                let line = ArchiveLine(try DirectoryTarget(path: root), of: random.uuid())
                let first = Epoch(number: 1, nonce: random.next())
                var (writer, _) = try await ArchiveWriter.begin(line, with: .beginning(of: line.cluster, in: first))
                var history = try await append(Int.random(in: 0...30, using: &random), after: [], &writer, &random)
                var epochs = [first]
                for _ in 0..<Int.random(in: 1...5, using: &random) {
                    // To a random revision, of whichever epoch it is.
                    let fork = Int.random(in: 0...history.count, using: &random)
                    history = Array(history.prefix(fork))
                    // An epoch that opens at a revision goes on from the last one that has something before it.
                    let parent = fork == writer.end.revision.rawValue ? writer.end.epoch : history.last?.epoch ?? first
                    let next = EpochRecord(
                        cluster: line.cluster,
                        epoch: Epoch(number: writer.end.epoch.number + 1, nonce: random.next()), parent: parent,
                        fork: Revision(rawValue: Int64(fork)),
                        chain: history.last?.chain ?? LogRecord.genesis(cluster: line.cluster), holder: "one",
                        time: Timestamp(microseconds: 0))
                    try await writer.open(next)
                    epochs.append(next.epoch)
                    history = try await append(
                        Int.random(in: 0...20, using: &random), after: history, &writer, &random)
                }
                let found = try #require(try await ArchiveHistory(line))
                #expect(found.end == writer.end && found.stretches.last?.record.epoch == epochs.last)
                var records: [LogRecord] = []
                try await found.forEachPart { records += $0.records }
                #expect(records.map(\.chain) == history.map(\.chain))
                let last = Revision(rawValue: Int64.random(in: 0...Int64(history.count), using: &random))
                var part: [LogRecord] = []
                try await found.forEachPart(after: 3, through: last) { part += $0.records }
                #expect(part.map(\.chain) == history.filter { $0.revision > 3 && $0.revision <= last }.map(\.chain))
            }
        }
    }

    /// Where an object is gone, a reader is told which, and is given nothing that comes after.
    @Test func `tells of an object that is missing`() async throws {
        var random = Seeded("missing objects")
        try await withScratch { root in
            let line = ArchiveLine(try DirectoryTarget(path: root), of: random.uuid())
            let first = Epoch(number: 1, nonce: random.next())
            var (writer, _) = try await ArchiveWriter.begin(line, with: .beginning(of: line.cluster, in: first))
            #expect(try await ArchiveHistory(ArchiveLine(line.target, of: random.uuid())) == nil)
            let history = try await append(40, after: [], &writer, &random)
            let whole = try #require(try await ArchiveHistory(line))
            var parts: [Revision] = []
            try await whole.forEachPart { parts.append($0.records[0].revision) }
            let gone = line.names.log(first, from: parts[1])
            try await line.target.remove(gone)
            var seen = 0
            let error = await #expect(throws: ArchiveError.self) {
                try await whole.forEachPart { seen += $0.records.count }
            }
            #expect(error?.description.contains("\(gone)") == true && error?.description.contains("missing") == true)
            #expect(seen == Int(parts[1].rawValue) - 1 && seen < history.count)
        }
    }
}
