import Dispatch
import Glibc
import Synchronization

/// Ctrl-C and the like, as a call instead of an end. A second one ends the process at once, which is as
/// harmless as any other death.
final class Interruption: Sendable {
    // Unsafe in name only: dispatch sources may be cancelled from any thread.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]
    private let count: Counter

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    init(_ call: @escaping @Sendable () -> Void) {
        let count = Counter()
        self.count = count
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if count.value.add(1, ordering: .relaxed).oldValue > 0 { _exit(130) }
                call()
            }
            source.resume()
            return source
        }
    }

    /// Whether one has come.
    var hasCome: Bool { count.value.load(ordering: .relaxed) > 0 }

    /// Listens no longer.
    func end() { for source in sources { source.cancel() } }
}
