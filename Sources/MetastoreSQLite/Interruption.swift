internal import CSQLite
internal import Synchronization

/// Ends a connection's running statement from another thread; does nothing once the connection is closed.
final class Interruption: Sendable {
    /// The handle as a number, because a pointer isn't `Sendable`; 0 once the connection is closed. The lock is held
    /// during the call, so that the handle can't be closed under it.
    private let address: Mutex<UInt>

    init(_ handle: OpaquePointer) {
        address = Mutex(UInt(bitPattern: handle))
    }

    func interrupt() {
        address.withLock { address in
            guard let handle = OpaquePointer(bitPattern: address) else { return }
            sqlite3_interrupt(handle)
        }
    }

    func forget() {
        address.withLock { $0 = 0 }
    }
}
