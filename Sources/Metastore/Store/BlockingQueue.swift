// Invariants
// 1. Elements leave in the order they came; what is put back goes before everything that waits.
// 2. Never more than `capacity` wait; what doesn't fit is refused, not dropped.
// 3. After close() nothing is accepted, and what waited is still handed out.

internal import DequeModule
internal import Glibc

/// A bounded queue between tasks, which put, and threads, which block until there is something to take.
///
/// `@unchecked Sendable`: every access to `elements` and `isClosed` holds `mutex`. A condition variable is needed,
/// because a thread waits here; `Synchronization.Mutex` has none.
final class BlockingQueue<Element>: @unchecked Sendable {
    enum Refusal: Error {
        case full, closed
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var elements: Deque<Element> = []
    private var isClosed = false
    private var sleepers = 0
    private var wakeups = 0
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func put(_ element: sending Element) throws(Refusal) {
        pthread_mutex_lock(mutex)
        guard !isClosed, elements.count < capacity else {
            let refusal = isClosed ? Refusal.closed : .full
            pthread_mutex_unlock(mutex)
            throw refusal
        }
        elements.append(element)
        let isSomeoneAsleep = sleepers > 0
        pthread_mutex_unlock(mutex)
        // After unlocking, so that who wakes up doesn't wait for the mutex at once.
        if isSomeoneAsleep { pthread_cond_signal(condition) }
    }

    /// Before everything that waits, in the order given.
    func putBack(_ back: some Collection<Element>) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        elements.prepend(contentsOf: back)
        pthread_cond_signal(condition)
    }

    /// Up to `most` elements, as soon as there is one; empty when `timeout` has passed
    /// or ``wake()`` was called; nil when closed and empty.
    ///
    /// - Parameter seen: how many wake-ups this thread has looked after; it begins with 0. One that came while the
    ///   thread was busy elsewhere is thus not missed.
    func take(most: Int, timeout: Duration, seen: inout Int) -> [Element]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = deadline.tv_nsec + Int(timeout.components.attoseconds / 1_000_000_000)
        deadline.tv_sec += Int(timeout.components.seconds) + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        defer { seen = wakeups }
        while elements.isEmpty {
            if isClosed { return nil }
            if wakeups != seen { return [] }
            sleepers += 1
            let result = pthread_cond_timedwait(condition, mutex, &deadline)
            sleepers -= 1
            if result == ETIMEDOUT && elements.isEmpty { return isClosed ? nil : [] }
        }
        let count = min(most, elements.count)
        let taken = Array(elements.prefix(count))
        elements.removeFirst(count)
        return taken
    }

    /// Every sleeper returns empty-handed, to look at what else it may have to do.
    func wake() {
        pthread_mutex_lock(mutex)
        wakeups += 1
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }
}

/// Starts a thread of its own for work that blocks.
enum BlockingThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// - Parameter name: what it is for; only read by people.
    static func start(named name: String, _ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work(body)).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, work)
        precondition(result == 0, "the operating system refuses a thread")
        pthread_detach(thread)
    }

    /// A moment, while another thread ends something.
    static func pause() {
        var time = timespec(tv_sec: 0, tv_nsec: 200_000)
        nanosleep(&time, nil)
    }
}
