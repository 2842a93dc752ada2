/// Which file a database is, under whatever path and on whatever machine its volume is mounted.
///
/// A copy of a file has another mark, however it was made: a file gets its inode when it is made, and its time of birth
/// with it. A copy of the whole volume, block by block, has the same.
public struct FileMark: Sendable, Hashable {
    /// Its number on its file system.
    public var inode: UInt64
    /// When it was made, in nanoseconds since 1970; nil where the file system doesn't keep that.
    public var birth: Int64?
    /// What its file system is called by, after the name of its kind: `xfs 0f6e…`; nil where the kind is called by
    /// nothing that lasts, or the system doesn't tell.
    public var fileSystem: String?

    /// From what the system tells.
    public init(inode: UInt64, birth: Int64?, fileSystem: String?) {
        self.inode = inode
        self.birth = birth
        self.fileSystem = fileSystem
    }

    /// Nothing that both tell differs. What only one of them tells proves nothing: a newer kernel may tell more.
    public func isSameFile(as other: FileMark) -> Bool {
        func agrees<Part: Equatable>(_ one: Part?, _ another: Part?) -> Bool {
            one == nil || another == nil || one == another
        }
        return inode == other.inode && agrees(birth, other.birth) && agrees(fileSystem, other.fileSystem)
    }
}
