internal import ArchiveSupport
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// A follower whose history is another one asks an archive that is whole.
@Suite(.serialized, .timed) struct `A place of another history` {
    /// A list of names that lacks what was made lately.
    private struct LaggingTarget: PassedTarget {
        let base: any ArchiveTarget
        let hidden: Set<ArchiveName>

        func pass<Answer>(_ call: () async throws(ArchiveError) -> Answer) async throws(ArchiveError) -> Answer {
            try await call()
        }

        func list(
            under name: ArchiveName, after: ArchiveName?, limit: Int
        ) async throws(ArchiveError) -> [ArchiveName] {
            // A page is full or it is the last.
            var (found, after) = ([ArchiveName](), after)
            while found.count < limit {
                let page = try await base.list(under: name, after: after, limit: limit)
                found += page.filter { !hidden.contains($0) }.prefix(limit - found.count)
                guard page.count == limit else { break }
                after = page.last
            }
            return found
        }
    }

    private static func ask(_ line: ArchiveLine, after place: LogPlace) async -> Result<[LogRecord], LogSourceError> {
        do throws(LogSourceError) {
            let answer = try await ArchiveLogSource(line, polling: .milliseconds(1)).next(after: place, waiting: .zero)
            return .success(answer.parts.flatMap(\.records))
        } catch {
            return .failure(error)
        }
    }

    /// Wherever it is: at an object's end, at a fork, in an epoch that the archive doesn't know.
    @Test func `is told from one before it, and isn't taken for damage`() async throws {
        var random = Seeded("foreign places")
        for round in 0..<Seeded.count(200, least: 10) {
            try await withScratch { root in
                let noisy = try await NoisyLine.make(root, &random, epochs: 1...4, records: 0...8)
                let cluster = noisy.line.cluster
                if round % 3 == 1 {
                    let merging = Merging(ArchiveLine(noisy.line.target, of: cluster), bound: 1_500)
                    try await merging.carryOut(try await merging.plan())
                }
                if round % 4 == 1 {
                    let retention = Retention(ArchiveLine(noisy.line.target, of: cluster))
                    let most = ArchiveRetention(snapshots: 1)
                    try await retention.carryOut(
                        try await retention.plan(most, now: Timestamp(microseconds: .max / 2)))
                }
                let start = try #require(try await ArchiveHistory(noisy.line)).start
                let end = noisy.history.count
                let line = ArchiveLine(noisy.line.target, of: cluster)
                for revision in Int(start.revision.rawValue)...end where revision > 0 {
                    let records = try await Self.ask(line, after: LogPlace(noisy.history[revision - 1], of: cluster))
                        .get()
                    #expect(records.first?.chain == (revision < end ? noisy.history[revision].chain : nil))
                }
                let known = Dictionary(grouping: noisy.history, by: \.epoch.number).mapValues { $0[0].epoch }
                for revision in 1...(end + 3) {
                    for number in 1...(noisy.writer.end.epoch.number + 2) {
                        let own = Epoch(number: number, nonce: random.next())
                        let epoch = Bool.random(using: &random) ? known[number] ?? own : own
                        let place = LogPlace(
                            .made(
                                after: revision > 1 ? noisy.history[min(revision, end + 1) - 2] : nil, in: epoch,
                                of: cluster, by: "another", &random), of: cluster)
                        try await expectTold(place, by: line, noisy, since: start)
                    }
                }
            }
        }
    }

    private func expectTold(
        _ place: LogPlace, by line: ArchiveLine, _ noisy: NoisyLine, since start: ArchivePlace
    ) async throws {
        guard case .failure(let error) = await Self.ask(line, after: place) else {
            throw Failure("records for \(place.position)")
        }
        let end = noisy.writer.end.revision
        switch error {
        case .compacted(let oldest):
            #expect(place.revision <= start.revision && oldest.revision == start.revision)
        case .behind(let newest):
            #expect(place.revision > end && newest == end)
        case .forked(let common):
            #expect(common.revision < place.revision && common.revision >= start.revision)
            let known = noisy.history.first { $0.revision == common.revision }
            #expect(known.map { Position.prefix(of: $0.chain) == common.chainPrefix } ?? (common.revision == .absent))
        default: Issue.record("\(error) for \(place.position)")
        }
    }

    /// What was before isn't there to be compared: of two at the beginning, only the one with its link goes on.
    @Test func `is told apart where the archive begins after a part of the history`() async throws {
        var random = Seeded("an archive that begins later")
        try await withScratch { root in
            let line = ArchiveLine(try DirectoryTarget(path: root), of: random.uuid())
            let (earlier, epoch) = (
                Epoch(number: 1, nonce: random.next()), Epoch(number: 2, nonce: random.next())
            )
            var history: [LogRecord] = []
            for number in 0..<12 {
                history.append(
                    .made(
                        after: history.last, in: number < 6 ? earlier : epoch, of: line.cluster, by: "one", &random))
            }
            let start = history[5]
            var beginning = EpochRecord.beginning(of: line.cluster, in: epoch)
            (beginning.fork, beginning.chain) = (start.revision, start.chain)
            var (writer, _) = try await ArchiveWriter.begin(line, with: beginning)
            let oldest = Position(
                cluster: line.cluster, epoch: epoch, revision: start.revision,
                chainPrefix: Position.prefix(of: start.chain))
            func answer(_ record: LogRecord) async -> Result<[Revision], LogSourceError> {
                await Self.ask(line, after: LogPlace(record, of: line.cluster)).map { $0.map(\.revision) }
            }
            func other(_ number: Int) -> LogRecord {
                .made(after: history[number - 2], in: history[number - 1].epoch, of: line.cluster, by: "b", &random)
            }
            for isEmpty in [true, false] {
                if !isEmpty {
                    for part in [history[6..<9], history[9...]] {
                        _ = try await writer.append(
                            Segment(cluster: line.cluster, Array(part), after: writer.end.chain, digests: [:]))
                    }
                }
                for record in history[..<5] { #expect(await answer(record) == .failure(.compacted(oldest: oldest))) }
                #expect(await answer(other(6)) == .failure(.compacted(oldest: oldest)))
                #expect(await answer(start) == .success(isEmpty ? [] : history[6..<9].map(\.revision)))
                guard !isEmpty else {
                    #expect(await answer(history[6]) == .failure(.behind(newest: start.revision)))
                    continue
                }
                #expect(await answer(history[7]) == .success([history[8].revision]))
                #expect(await answer(history[11]) == .success([]))
                #expect(await answer(other(8)) == .failure(.forked(lastCommon: oldest)))
            }
        }
    }

    /// The archive's own followers go on then, too.
    @Test func `is told where names lack what was made lately`() async throws {
        var random = Seeded("foreign places, lists that lag")
        for _ in 0..<Seeded.count(100, least: 5) {
            try await withScratch { root in
                let noisy = try await NoisyLine.make(root, &random, epochs: 2...4, records: 0...6)
                let cluster = noisy.line.cluster
                let names = try await noisy.line.target.list(under: noisy.line.names.log, after: nil, limit: 10_000)
                let lately = names.suffix(Int.random(in: 1...names.count, using: &random))
                let line = ArchiveLine(LaggingTarget(base: noisy.line.target, hidden: Set(lately)), of: cluster)
                for record in noisy.history.dropLast() {
                    let answer = await Self.ask(line, after: LogPlace(record, of: cluster))
                    switch answer {
                    case .success(let records): #expect(records.first?.revision == record.revision.next)
                    // It isn't known yet that this is in the line.
                    case .failure(.behind(let newest)): #expect(newest < record.revision)
                    case .failure(let error): Issue.record("\(error) after \(record.revision)")
                    }
                }
                for revision in 1...noisy.history.count {
                    for number in 1...(noisy.writer.end.epoch.number + 1) {
                        let epoch = Epoch(number: number, nonce: random.next())
                        let last = revision > 1 ? noisy.history[revision - 2] : nil
                        let record = LogRecord.made(after: last, in: epoch, of: cluster, by: "another", &random)
                        switch await Self.ask(line, after: LogPlace(record, of: cluster)) {
                        case .success: Issue.record("records for \(record.revision)")
                        case .failure(.behind(let newest)): #expect(newest < record.revision)
                        case .failure(.forked(let common)): #expect(common.revision < record.revision)
                        case .failure(let error): Issue.record("\(error) after \(record.revision)")
                        }
                    }
                }
            }
        }
    }
}
