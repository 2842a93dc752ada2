package import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// Fills in what a migration left for later, where no master does.
///
/// It opens the store for this alone: it neither shortens the log nor ends leases, which are the master's business.
/// Steps follow each other without a pause where nobody else writes. It may be killed at any moment: the next run, or
/// the master, goes on where it stopped.
package struct BackfillRun: Sendable {
    private let source: EngineSource
    private let options: StoreOptions
    private let patience: Duration

    /// - Parameters:
    ///   - options: of the engine, and who opens it.
    ///   - patience: how long steps may fail on a server in a way that may pass.
    package init(_ source: EngineSource, _ options: StoreOptions, patience: Duration = Limits.backfillPatience) {
        self.source = source
        self.options = options
        self.patience = patience
    }

    /// Returns once everything is filled in; cancelled, when the step it is at has ended.
    ///
    /// - Parameter tell: told how far it is: after steps, and about once a second while it is paused or another process
    ///   works.
    /// - Returns: how far it has come; nil when it was cancelled before it had looked.
    /// - Throws: what opening the store throws; ``StoreError`` when a step fails: on a server only when that won't
    ///   pass, or hasn't for long.
    package func run(_ tell: (BackfillProgress) -> Void) async throws -> BackfillProgress? {
        let newest = Newest()
        let (looks, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        var options = options
        options.fillingIn = { result in
            newest.keep(result)
            wake.yield()
        }
        let store = try await Metastore.open(source, options)
        do {
            for await _ in looks {
                if let progress = newest.progress { tell(progress) }
                if let failure = newest.failure(patience: store.engine.isExclusive ? .zero : patience) {
                    throw failure
                }
                if newest.progress?.state == .done { break }
            }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
        return newest.progress
    }
}

/// What the writer's thread told last.
private final class Newest: Sendable {
    private struct State {
        var backfill: Backfill?
        var failure: (error: StoreError, since: ContinuousClock.Instant)?
    }

    private let state = Mutex(State())

    func keep(_ result: Result<Backfill, StoreError>) {
        state.withLock { state in
            switch result {
            case .success(let backfill):
                state.backfill = backfill
                state.failure = nil
            case .failure(let error):
                state.failure = (error, state.failure?.since ?? .now)
            }
        }
    }

    var progress: BackfillProgress? { state.withLock { $0.backfill.map(BackfillProgress.init) } }

    /// Why it can't go on: an error that won't pass, or hasn't for so long.
    func failure(patience: Duration) -> StoreError? {
        guard let failure = state.withLock({ $0.failure }) else { return nil }
        let isPassing = WriterLoop.isPassing(failure.error) && ContinuousClock.now - failure.since < patience
        return isPassing ? nil : failure.error
    }
}
