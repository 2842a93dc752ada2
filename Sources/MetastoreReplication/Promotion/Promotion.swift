// Invariants
// 1. Before the store is promoted it is known that the archive has nothing that it lacks, and no later epoch.
// 2. The epoch's record is created under a name that nobody overwrites: of two that are promoted one gets it, and the
//    other is told.

public import Metastore
public import MetastoreEngine
public import MetastoreModel

extension Metastore {
    /// Promotes a follower, and opens its epoch in an archive: the leader before is fenced there from then on.
    ///
    /// - Parameters:
    ///   - source: where the follower's store is. The follower itself is stopped.
    ///   - target: the archive of the leader that it followed, or an empty place.
    ///   - archiving: how it is archived.
    ///   - timeout: how long the archive may take to answer.
    /// - Returns: the store, open. Give it an archiver of its own.
    /// - Throws: ``ArchiveError``: `behind` when the archive has more than the follower: let it follow on; `fenced` or
    ///   `forked` when another leads there. Nothing is changed then, unless the other was faster by a moment: see the
    ///   error's text. `unavailable` after the time-out: the store *is* promoted then, its epoch isn't in the archive,
    ///   and its archiver will try again. ``StoreError`` as ``Metastore/promote(_:_:)``.
    public static func promote(
        _ source: EngineSource, archivingTo target: any ArchiveTarget, _ archiving: ArchiverOptions = ArchiverOptions(),
        _ options: StoreOptions = StoreOptions(), waiting timeout: Duration = Limits.durabilityTimeout
    ) async throws -> Metastore {
        try await look(source, target, archiving, options)
        let store = try await promote(source, options)
        do {
            try await store.openEpoch(in: target, archiving, waiting: timeout)
        } catch {
            await store.close()
            throw error
        }
        return store
    }

    /// What would stop the promoted store in the archive stops it before.
    private static func look(
        _ source: EngineSource, _ target: any ArchiveTarget, _ archiving: ArchiverOptions, _ options: StoreOptions
    ) async throws {
        var options = options
        options.engine.isReadOnly = true
        let store = try await open(source, options)
        do {
            let line = ArchiveLine(target, of: store.position.cluster)
            _ = try await ArchiveApproach(store: store, line: line, ahead: archiving.ahead).find(after: nil)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    private func openEpoch(
        in target: any ArchiveTarget, _ archiving: ArchiverOptions, waiting timeout: Duration
    ) async throws {
        let archiver = try Archiver(self, target, archiving)
        let run = Task { try await archiver.run() }
        let end = ContinuousClock.now + timeout
        var alarm: ArchiveError?
        loop: while true {
            switch archiver.status.state {
            case .following: break loop
            case .alarm(let error):
                alarm = error
                break loop
            case .stopped, .opening, .retrying:
                guard ContinuousClock.now < end, !Task.isCancelled else {
                    alarm = .unavailable(
                        place: target.place, reason: "the store is promoted, and its epoch is not in the archive yet")
                    break loop
                }
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
        run.cancel()
        _ = await run.result
        if let alarm { throw alarm }
    }
}
