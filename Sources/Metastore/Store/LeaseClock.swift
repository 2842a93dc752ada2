// Invariants
// 1. Only a process that may write expires leases, and only by its own monotonic clock.
// 2. After opening every lease has its full time again: a master that was down takes nothing from its clients.

internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// When each lease runs out, on this process' monotonic clock. Renewals are not written anywhere else.
final class LeaseClock: Sendable {
    private struct Running {
        let timeToLive: Duration
        let deadline: Duration
        let renewals: Int64
    }

    private let running = Mutex<[ID<Lease>: Running]>([:])
    private let monotonic: @Sendable () -> Duration

    init(monotonic: @escaping @Sendable () -> Duration) {
        self.monotonic = monotonic
    }

    /// From now on it runs for its full time, renewed as often as it says.
    func start(_ lease: StoredLease) {
        let deadline = monotonic() + lease.timeToLive
        running.withLock {
            $0[lease.id] = Running(timeToLive: lease.timeToLive, deadline: deadline, renewals: lease.renewals)
        }
    }

    /// True when it has run out here, and nobody has renewed it since.
    func isOver(_ lease: StoredLease) -> Bool {
        let now = monotonic()
        return running.withLock { running in
            guard let known = running[lease.id], known.renewals >= lease.renewals else { return false }
            return known.deadline <= now
        }
    }

    /// Gives the lease its full time again; false when it doesn't run.
    func renew(_ lease: ID<Lease>) -> Bool {
        let now = monotonic()
        return running.withLock { running in
            guard let found = running[lease], found.deadline > now else { return false }
            running[lease] = Running(
                timeToLive: found.timeToLive, deadline: now + found.timeToLive, renewals: found.renewals)
            return true
        }
    }

    func remaining(_ lease: ID<Lease>) -> Duration? {
        let now = monotonic()
        return running.withLock { $0[lease].map { max(.zero, $0.deadline - now) } }
    }

    func stop(_ lease: ID<Lease>) { running.withLock { _ = $0.removeValue(forKey: lease) } }

    /// The leases whose time is over, oldest deadline first, with how often they had been renewed.
    func expired() -> [(lease: ID<Lease>, renewals: Int64)] {
        let now = monotonic()
        return running.withLock { running in
            running.filter { $0.value.deadline <= now }.sorted { $0.value.deadline < $1.value.deadline }
                .map { ($0.key, $0.value.renewals) }
        }
    }

    /// Takes over what the store says: a lease that is new here, or was renewed since, runs for its full time from now;
    /// one that is gone runs no more.
    func follow(_ stored: [StoredLease]) {
        let now = monotonic()
        running.withLock { running in
            var next: [ID<Lease>: Running] = [:]
            for lease in stored {
                if let known = running[lease.id], known.renewals >= lease.renewals {
                    next[lease.id] = known
                } else {
                    next[lease.id] = Running(
                        timeToLive: lease.timeToLive, deadline: now + lease.timeToLive, renewals: lease.renewals)
                }
            }
            running = next
        }
    }
}

/// A lease as its row says.
struct StoredLease: Sendable {
    let id: ID<Lease>
    let timeToLive: Duration
    /// How often it was renewed, where several processes write.
    var renewals: Int64
}

extension Connection {
    func runningLeases() throws -> [StoredLease] {
        try all("SELECT id, time_to_live, renewals FROM leases ORDER BY id") { row in
            StoredLease(
                id: ID(rawValue: try row.integer(0)), timeToLive: .microseconds(try row.integer(1)),
                renewals: try row.integer(2))
        }
    }
}
