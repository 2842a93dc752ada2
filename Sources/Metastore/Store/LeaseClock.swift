// Invariants
// 1. Only a process that may write expires leases, and only by its own monotonic clock.
// 2. After opening every lease has its full time again: a master that was down takes nothing from its clients.

internal import MetastoreModel
internal import Synchronization

/// When each lease runs out, on this process' monotonic clock. Renewals are not written anywhere else.
final class LeaseClock: Sendable {
    private struct Running {
        let timeToLive: Duration
        var deadline: Duration
    }

    private let running = Mutex<[ID<Lease>: Running]>([:])
    private let monotonic: @Sendable () -> Duration

    init(monotonic: @escaping @Sendable () -> Duration) {
        self.monotonic = monotonic
    }

    func start(_ lease: ID<Lease>, timeToLive: Duration) {
        let deadline = monotonic() + timeToLive
        running.withLock { $0[lease] = Running(timeToLive: timeToLive, deadline: deadline) }
    }

    /// Gives the lease its full time again; false when it doesn't run.
    func renew(_ lease: ID<Lease>) -> Bool {
        let now = monotonic()
        return running.withLock { running in
            guard let found = running[lease], found.deadline > now else { return false }
            running[lease] = Running(timeToLive: found.timeToLive, deadline: now + found.timeToLive)
            return true
        }
    }

    func remaining(_ lease: ID<Lease>) -> Duration? {
        let now = monotonic()
        return running.withLock { $0[lease].map { max(.zero, $0.deadline - now) } }
    }

    func stop(_ lease: ID<Lease>) { running.withLock { _ = $0.removeValue(forKey: lease) } }

    /// The leases whose time is over, oldest deadline first.
    func expired() -> [ID<Lease>] {
        let now = monotonic()
        return running.withLock { running in
            running.filter { $0.value.deadline <= now }.sorted { $0.value.deadline < $1.value.deadline }.map(\.key)
        }
    }
}
