import Dispatch
import Glibc
import Synchronization

/// What a process says on standard output, a line at a time.
enum Lines {
    private static let lock = Mutex(())

    static func say(_ fields: [String: Int64]) {
        let text = fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
        lock.withLock { _ in
            print("{\(text)}")
            fflush(nil)
        }
    }
}

/// Nanoseconds of the clock that every process of the machine shares.
func monotonic() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// Waits until standard input ends: whoever started this process is done with it.
func awaitEndOfInput() async { await reading { while readLine() != nil {} } }

/// Waits for a line of standard input.
func awaitLine() async { await reading { _ = readLine() } }

private func reading(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            body()
            continuation.resume()
        }
    }
}
