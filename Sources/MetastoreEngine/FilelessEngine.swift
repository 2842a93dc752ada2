/// An engine that keeps no files here: there is nothing to look after, to settle, or to keep notes beside.
package protocol FilelessEngine: Engine {}

extension FilelessEngine {
    package func maintain(_ writer: any Connection) throws(EngineError) -> Pressure { .none }
    package func settle(_ writer: any Connection) throws(EngineError) {}
    package func settleUnknownCommit() throws(EngineError) {}
    package func keepNote(_ note: [UInt8]) throws(EngineError) {}
    package func readNote() throws(EngineError) -> [UInt8]? { nil }
    package func keepControl(_ control: [UInt8]) throws(EngineError) {}
    package func readControl() throws(EngineError) -> [UInt8]? { nil }
}
