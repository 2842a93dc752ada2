#if PostgreSQL
    internal import CPostgreSQL
    internal import Glibc
    internal import MetastoreEngine

    /// Something that a thread waits for in `poll`, and that another raises. Never blocks who raises it.
    final class Signal: Sendable {
        let descriptor: Int32

        init() throws(EngineError) {
            descriptor = metastore_eventfd()
            guard descriptor >= 0 else {
                throw EngineError(
                    .unreachable, operation: "connect",
                    message: "the process has too many open files. Raise its limit; nothing was done")
            }
        }

        deinit { close(descriptor) }

        func raise() {
            var one: UInt64 = 1
            _ = write(descriptor, &one, 8)
        }

        func lower() {
            var count: UInt64 = 0
            _ = read(descriptor, &count, 8)
        }

        /// Returns false when the time is over before it is raised. Lowers it.
        func wait(until deadline: ContinuousClock.Instant) -> Bool {
            while true {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                if poll(&entry, 1, deadline.milliseconds) > 0 {
                    lower()
                    return true
                }
                if ContinuousClock.now >= deadline { return false }
            }
        }
    }

    extension ContinuousClock.Instant {
        /// From now to then, for `poll`: rounded up, never negative.
        var milliseconds: Int32 {
            let left = self - .now
            guard left > .zero else { return 0 }
            return left > .seconds(86_400) ? 86_400_000 : Int32(left / .milliseconds(1)) + 1
        }
    }

    extension Duration {
        /// For settings of the server and of libpq; at least 1, because 0 means "for ever" there.
        var settingMilliseconds: Int64 {
            let (seconds, attoseconds) = components
            return max(1, min(seconds, 2_000_000) * 1_000 + attoseconds / 1_000_000_000_000_000)
        }
    }

    /// A pointer of libpq on its way from one thread to another, which alone uses it afterwards.
    struct Handed: Sendable {
        private let address: UInt
        init(_ pointer: OpaquePointer) { address = UInt(bitPattern: pointer) }
        var pointer: OpaquePointer { OpaquePointer(bitPattern: address)! }
    }
#endif
