internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A store with an archive, and whoever archives.
struct ArchiverBench {
    let bench: Bench
    let target: SteeredTarget
    var options = ArchiverOptions()

    var store: Metastore { bench.store }
    var line: ArchiveLine { ArchiveLine(target, of: store.position.cluster) }

    /// Runs an archiver while the body runs.
    func archiving<Result>(
        _ body: (Archiver) async throws -> Result
    ) async throws -> Result {
        let archiver = try await newArchiver()
        let run = Task { try await archiver.run() }
        do {
            let result = try await body(archiver)
            run.cancel()
            try await run.value
            return result
        } catch {
            run.cancel()
            _ = await run.result
            throw error
        }
    }

    /// The one before may be about to go.
    private func newArchiver() async throws -> Archiver {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            do {
                return try Archiver(store, target, options)
            } catch {
                guard ContinuousClock.now < end else { throw error }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    /// Everything that is committed is archived, and the archive holds just that. An archiver that opens makes a commit
    /// of its own.
    func awaitArchived(_ archiver: Archiver, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        #expect(
            await eventually(within: .seconds(30)) {
                let status = archiver.status
                return status.state != .opening && (status.archived ?? .absent) >= store.position.revision
            }, "\(archiver.status)", sourceLocation: sourceLocation)
    }

    /// The archive's history is the store's, digests and all.
    func expectSame(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let history = try #require(try await ArchiveHistory(line), sourceLocation: sourceLocation)
        let replica = try await Metastore.openReplica(.inMemory(), of: store.position.cluster)
        var last = Revision.absent
        try await history.forEachPart { part in
            #expect(part.records.first?.revision.rawValue == last.rawValue + 1, sourceLocation: sourceLocation)
            last = try #require(part.records.last).revision
            try await replica.replay(part.records)
            let found = try await replica.contents().digests
            for (kind, sum) in part.digests ?? [:] {
                #expect(found[kind] == sum, "\(kind) at \(last)", sourceLocation: sourceLocation)
            }
        }
        let head = try await store.logHead()
        #expect(last == head.revision && history.end.chain == head.chain, sourceLocation: sourceLocation)
        #expect(try await replica.contents() == store.contents(), sourceLocation: sourceLocation)
        await replica.close()
    }

    /// Some commits, now and then a new epoch.
    func commit(_ count: Int, _ random: inout Seeded, lead: Bool = true) async throws {
        for _ in 0..<count {
            let (key, size) = ("\(Int.random(in: 0..<9, using: &random))", Int.random(in: 1...2_000, using: &random))
            let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            switch Int.random(in: 0..<12, using: &random) {
            case 0 where lead: try await store.lead(as: "master-\(key)") { _ in }
            case 1..<4:
                try await store.write { tx in
                    let experiment = try tx.experiments.create(NewExperiment(name: key, config: ["n": .string(key)]))
                    _ = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["n": .string(key)]))
                }
            default:
                try await store.write { tx in try tx.keyValue.put(EntryKey(namespace: "n", key: key), bytes) }
            }
        }
    }
}

/// A store on an engine and an empty archive; quick about everything.
func withArchive(
    _ engine: TestEngine, verifying: Bool = true,
    configure: @escaping @Sendable (inout StoreOptions) -> Void = { _ in },
    _ body: (inout ArchiverBench) async throws -> Void
) async throws {
    try await withScratch { root in
        try await withBench(engine, verifying: verifying, configure: configure) { bench in
            var options = ArchiverOptions()
            options.segmentAge = .zero
            options.shortestPause = .milliseconds(2)
            options.longestPause = .milliseconds(20)
            options.lagInterval = .milliseconds(5)
            var archive = ArchiverBench(
                bench: bench, target: SteeredTarget(try DirectoryTarget(path: root)), options: options)
            try await body(&archive)
        }
    }
}
