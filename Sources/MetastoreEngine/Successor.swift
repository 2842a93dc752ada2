/// An engine whose database another one can follow in its place, in one step.
package protocol SuccessionEngine: Engine {
    /// Makes room beside the database for its successor. What an earlier attempt that was killed left there goes.
    ///
    /// It is called by whoever holds the right to write to the database, which stays as it is, and in use.
    ///
    /// - Throws: `EngineError`: `locked` while another process makes one; `unsupported` where the place has none.
    func makeRoom() throws(EngineError) -> any Successor

    /// Carries through what a killed process had begun. Nothing has the database open.
    ///
    /// - Returns: whether there was anything to do.
    @discardableResult
    func finishSuccession() throws(EngineError) -> Bool
}

/// A database that is made beside another one, to take its place.
package protocol Successor: Sendable {
    /// Where it is to be made: an empty place.
    var source: EngineSource { get }

    /// Takes the place. Everybody finds the one or the other there, as a whole, and a crash leaves the one or the
    /// other; the one that was there is kept under another name.
    ///
    /// Both are closed: no handle of this process is open.
    ///
    /// - Parameters:
    ///   - suffix: what the name has at its end under which the database is kept that was there; free.
    ///   - finish: is given a connection to the successor before; returns the new ``Engine/keepNote(_:)``.
    /// - Returns: where the one that was there is now.
    /// - Throws: `EngineError`: `locked` or `busy` while somebody else is in the way: nothing was changed.
    func takePlace(keepingAs suffix: String, _ finish: (any Connection) throws -> [UInt8]) throws -> String?

    /// Nobody wants it any more: what was made of it goes. Does nothing once it took the place.
    func discard()
}
