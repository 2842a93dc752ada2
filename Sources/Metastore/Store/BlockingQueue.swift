// Invariants
// 1. Elements leave in the order they came; what is put back goes before everything that waits.
// 2. Never more than `capacity` wait; what doesn't fit is refused, not dropped.
// 3. After close() nothing is accepted, and what waited is still handed out.
// 4. A thread that waits sleeps; only one that has just worked first looks around for a moment, one thread of
//    a queue at a time, and lets everybody else run meanwhile.

internal import DequeModule
internal import Glibc
internal import MetastoreEngine
internal import Synchronization

/// What a thread remembers between two looks into its queue. Each thread has its own.
struct QueueReader: ~Copyable {
    /// How many wake-ups it has looked after: one that came while it was busy elsewhere is thus not missed.
    fileprivate var wakeupsSeen = 0
    /// True when its last look brought something.
    fileprivate var hasWorked = false
}

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
    private var isSomeoneLooking = false
    /// Counts whatever a thread that waits would want to know of; written while holding `mutex`.
    private let news = Atomic<Int>(0)
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
        news.add(1, ordering: .releasing)
        // Who looks around finds the first one by itself.
        let isSomeoneNeeded = sleepers > 0 && elements.count > (isSomeoneLooking ? 1 : 0)
        pthread_mutex_unlock(mutex)
        // After unlocking, so that who wakes up doesn't wait for the mutex at once.
        if isSomeoneNeeded { pthread_cond_signal(condition) }
    }

    /// Before everything that waits, in the order given.
    func putBack(_ back: some Collection<Element>) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        elements.prepend(contentsOf: back)
        news.add(1, ordering: .releasing)
        pthread_cond_signal(condition)
    }

    /// Up to `most` elements, as soon as there is one; empty when `timeout` has passed
    /// or ``wake()`` was called; nil when closed and empty.
    func take(most: Int, timeout: Duration, _ reader: inout QueueReader) -> [Element]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if reader.hasWorked { lookAround(reader.wakeupsSeen) }
        reader.hasWorked = false
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = deadline.tv_nsec + Int(timeout.components.attoseconds / 1_000_000_000)
        deadline.tv_sec += Int(timeout.components.seconds) + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        defer { reader.wakeupsSeen = wakeups }
        while elements.isEmpty {
            if isClosed { return nil }
            if wakeups != reader.wakeupsSeen { return [] }
            sleepers += 1
            let result = pthread_cond_timedwait(condition, mutex, &deadline)
            sleepers -= 1
            if result == ETIMEDOUT && elements.isEmpty { return isClosed ? nil : [] }
        }
        let count = min(most, elements.count)
        let taken = Array(elements.prefix(count))
        elements.removeFirst(count)
        reader.hasWorked = true
        return taken
    }

    /// Gives way to other threads until there is news, for a moment at most. Called, and returns, with the mutex.
    private func lookAround(_ wakeupsSeen: Int) {
        guard elements.isEmpty, !isClosed, wakeups == wakeupsSeen, !isSomeoneLooking else { return }
        isSomeoneLooking = true
        let before = news.load(ordering: .acquiring)
        pthread_mutex_unlock(mutex)
        _ = BlockingThread.lookAround { news.load(ordering: .acquiring) != before }
        pthread_mutex_lock(mutex)
        isSomeoneLooking = false
    }

    /// Every sleeper returns empty-handed, to look at what else it may have to do.
    func wake() {
        pthread_mutex_lock(mutex)
        wakeups += 1
        news.add(1, ordering: .releasing)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        news.add(1, ordering: .releasing)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }
}

extension BlockingThread {
    /// - Parameter name: what it is for; only read by people.
    static func start(named name: String, _ body: @escaping @Sendable () -> Void) {
        precondition(tryStart(body), "the operating system refuses a thread")
    }

    /// A moment, while another thread ends something.
    static func pause() { sleep(nanoseconds: 200_000) }

    static func pause(_ duration: Duration) {
        let parts = duration.components
        sleep(nanoseconds: Int(parts.seconds) * 1_000_000_000 + Int(parts.attoseconds / 1_000_000_000))
    }

    /// Before something is tried again.
    static func pause(milliseconds: Int) { sleep(nanoseconds: milliseconds * 1_000_000) }

    private static func sleep(nanoseconds: Int) {
        var time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        nanosleep(&time, nil)
    }
}
