/// An engine whose database is one file of pages: it can be read, and made, as bytes.
package protocol ImageEngine: Engine {
    /// Lends the file's bytes as they are at the moment of the connection's read transaction, in order. They need no
    /// other file.
    ///
    /// They are put together in a file beside the database, which has no name any more while that goes on: it takes as
    /// much room as the database, and a process that is killed leaves nothing.
    ///
    /// - Parameters:
    ///   - connection: of this engine, in a read transaction.
    ///   - most: bytes of a chunk.
    /// - Throws: `EngineError`: `full` for a device without room; what the body throws.
    func forEachImageChunk(
        of connection: any Connection, most: Int, _ body: (_ chunk: [UInt8], _ of: Int) throws -> Void
    ) throws

    /// Makes the database from such bytes, in one step, as ``Engine/create(_:)`` does.
    ///
    /// - Parameters:
    ///   - fill: brings the bytes, to be written one after the other.
    ///   - populate: is given the database that they are, before anybody else can open it. Nothing is known of it: it
    ///     may be none.
    func create(
        filledBy fill: (_ write: ([UInt8]) throws -> Void) throws -> Void,
        _ populate: (any Connection) throws -> Void
    ) throws -> Bool
}
