// Invariants
// 1. What is there goes on being read until its successor is there as a whole, and proven; then the one takes the
//    other's place in one step of the engine's own. Killed at any moment, it is the one or the other.
// 2. What was there is kept under another name. Nothing of it is deleted.

package import MetastoreEngine
package import MetastoreModel

/// Room beside a store for the one that is to take its place. It blocks.
package struct StoreSuccession: Sendable {
    private let successor: any Successor
    private let place: String

    /// Whether there is nothing at a place where a store would last. What a killed process had begun there is carried
    /// through first.
    package static func isEmpty(_ source: EngineSource, _ options: StoreOptions) throws(StoreError) -> Bool {
        do {
            let engine = try source.makeEngine(options.engine)
            guard !engine.hasOneConnection else { return false }
            if let engine = engine as? any SuccessionEngine { try engine.finishSuccession() }
            engine.close()
            var reading = options.engine
            reading.isReadOnly = true
            let reader = try source.makeEngine(reading)
            defer { reader.close() }
            return try reader.prepare() == .nothing
        } catch {
            throw StoreError(error)
        }
    }

    /// Makes room. The store may be open; what an earlier, killed attempt left there goes.
    ///
    /// - Throws: ``StoreError``; `misuse` where there is no room beside it, as in memory.
    package init(beside source: EngineSource, _ options: StoreOptions) throws(StoreError) {
        do {
            let engine = try source.makeEngine(options.engine)
            place = engine.place
            guard let engine = engine as? any SuccessionEngine else {
                throw StoreError.misuse(
                    reason: "\(place) has no room beside it. Close it, and follow into an empty place.")
            }
            successor = try engine.makeRoom()
        } catch {
            throw StoreError(error)
        }
    }

    /// The empty place in which it is to be made.
    package var source: EngineSource { successor.source }

    /// The store that was made takes the place of the other. Both are closed.
    ///
    /// - Parameter time: becomes a part of the name under which the other is kept.
    /// - Returns: where that is.
    /// - Throws: ``StoreError``; `unavailable` where somebody who reads there for long was waited for in vain.
    package func takePlace(at time: Timestamp) throws(StoreError) -> String? {
        let suffix = "replaced-" + "\(time)".filter { $0.isNumber || $0 == "T" || $0 == "Z" }
        var attempts = Limits.successionAttempts
        while true {
            attempts -= 1
            do {
                return try successor.takePlace(keepingAs: suffix) { try ClosedStore($0).note() }
            } catch let error as EngineError where error.code == .busy && attempts > 0 {
                continue
            } catch {
                throw StoreError(error, at: place)
            }
        }
    }

    /// Nobody wants it: what was made of it goes.
    package func discard() { successor.discard() }
}
