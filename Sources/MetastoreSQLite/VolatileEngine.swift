package import MetastoreEngine

/// An engine whose database is in memory: nobody else has it, and nothing of it lasts.
package protocol VolatileEngine: Engine {}

extension VolatileEngine {
    package func announceCommit() {}
    package func watchCommits(_ wake: @escaping @Sendable () -> Void) {}
    package func confirmHold() throws(EngineError) {}
    package func maintain(_ writer: any Connection) throws(EngineError) -> Pressure { .none }
    package func settle(_ writer: any Connection) throws(EngineError) {}
    package func settleUnknownCommit() throws(EngineError) {}
    package func keepNote(_ note: [UInt8]) throws(EngineError) {}
    package func readNote() throws(EngineError) -> [UInt8]? { nil }
    package func keepControl(_ control: [UInt8]) throws(EngineError) {}
    package func readControl() throws(EngineError) -> [UInt8]? { nil }
}
