internal import Glibc
public import MetastoreEngine

extension Engine {
    /// As ``Engine/prepare()``, but where one process at a time has the right to write it waits for that one.
    ///
    /// - Throws: ``MigrationError/locked(holder:)`` when it still has it after `timeout`; or an `EngineError`.
    public func prepare(waiting timeout: Duration) throws -> Found {
        let deadline = ContinuousClock.now + timeout
        var pause = MigrationLimits.firstPause
        while true {
            do {
                return try prepare()
            } catch {
                guard case .locked(let holder) = error.code else { throw error }
                guard ContinuousClock.now + pause < deadline else { throw MigrationError.locked(holder: holder) }
            }
            usleep(UInt32(pause / .microseconds(1)))
            pause = min(pause * 2, MigrationLimits.lastPause)
        }
    }
}
