// Invariants
// 1. What another process committed is noticed by looking, whatever becomes of wake-ups: they only make it sooner.
// 2. Looking costs one short read, and only while somebody waits for the feed.
// 3. A head that goes back ends the feed: the server went on from an older state. Where a read-only handle may be sent
//    to one standby or another, that means nothing.

internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// Coalesces wake-ups: however many come while one is looked after, one more look follows.
private final class WakeUps: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func wake() { continuation.yield() }
    func end() { continuation.finish() }
    var all: AsyncStream<Void> { stream }
}

extension Metastore {
    /// Where others write too, or this process can't, commits from outside are noticed here.
    func followFromOutside() {
        guard writer == nil || !engine.isExclusive else { return }
        let wakeUps = WakeUps()
        engine.watchCommits { wakeUps.wake() }
        let interval: Duration = engine.isExclusive ? .milliseconds(20) : Limits.feedPolling
        Task.detached { [weak self] in
            while let tail = self?.tail, !tail.isClosed {
                try? await Task.sleep(for: interval)
                if tail.hasWaiters { wakeUps.wake() }
            }
            wakeUps.end()
        }
        Task.detached { [weak self] in
            for await _ in wakeUps.all {
                guard let store = self, !store.tail.isClosed else { return }
                let known = store.tail.head
                guard let found = try? await store.headFoundOutside() else { continue }
                if store.writer != nil, !store.engine.isExclusive, found.lacks(known) {
                    store.tail.close(.historyCut(expected: known.revision, found: found.revision))
                } else if found.revision > store.tail.head.revision {
                    store.tail.publish([], head: found).resume()
                }
            }
        }
    }
}

extension Metastore {
    private func headFoundOutside() async throws -> Position {
        try await readOnce(.ownPosition) { try Head.position($0.connection) }
    }
}

extension Position {
    /// True when the other was committed, and isn't there.
    fileprivate func lacks(_ other: Position) -> Bool {
        revision < other.revision || (revision == other.revision && chainPrefix != other.chainPrefix)
    }
}
