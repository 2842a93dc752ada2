package import MetastoreEngine

/// An engine whose database is in memory: nobody else has it, and nothing of it lasts.
package protocol VolatileEngine: FilelessEngine {}

extension VolatileEngine {
    package func announceCommit() {}
    package func watchCommits(_ wake: @escaping @Sendable () -> Void) {}
    package func confirmHold() throws(EngineError) {}
}
