/// Every bound of this engine, and what happens there.
package struct SQLiteLimits: Sendable, Hashable {
    /// After so many pages of write-ahead log the writer copies them into the database (a PASSIVE checkpoint).
    package var checkpointPages = 4_000
    /// Above this the writer tries to begin the log anew, without waiting for readers; a longer file is cut to this.
    package var truncateBytes = 64 << 20
    /// Above this the store is told to end its own old reads: `Pressure.expireReads`.
    package var expireReadsBytes = 256 << 20
    /// Above this the store is told to refuse writes: `Pressure.refuseWrites`.
    package var refuseWritesBytes = 1 << 30
    /// How soon emptying the log is tried again while a reader holds it and little is written.
    package var truncateRetry = Duration.seconds(1)

    package init() {}

    /// How often the lock file is opened again because it was replaced between opening and locking.
    static let lockAttempts = 100
    /// How much of a lock file is read to name its holder.
    static let holderBytes = 300
    /// The longest note that is kept or read.
    package static let noteBytes = 64 << 10
    /// How much of a write-ahead log is in memory while it is written back.
    static let rewriteBytes = 1 << 20
    /// How many pages of an image are copied between two calls that tell of it.
    static let imagePages: Int32 = 2_048
    /// How much of a file is in memory while it is copied.
    static let copyBytes = 1 << 20
    /// SQLite keeps names in 512 bytes, `-journal` and `.creating-wal` included.
    static let pathBytes = 490
    /// What a statement keeps of its buffer for bound values between two uses.
    static let keptBindingBytes = 16 << 10
}
