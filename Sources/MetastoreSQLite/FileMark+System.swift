internal import CSQLite
internal import Glibc
package import MetastoreEngine

extension FileMark {
    /// The mark of the file at a path. The file itself isn't opened: closing it would drop SQLite's locks.
    package init(ofFileAt path: String) throws(EngineError) {
        var found = metastore_file_birth()
        guard metastore_look_for_birth(path, &found) == 0 else { throw systemError("look at the file", path) }
        let birth = found.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self.init(
            inode: found.inode,
            birth: found.is_known == 0 || birth.overflow ? nil : birth.partialValue &+ Int64(found.nanoseconds),
            fileSystem: try Self.fileSystem(ofFileAt: path))
    }

    /// Asked in the way that each kind of file system answers without privileges, also from inside a container.
    private static func fileSystem(ofFileAt path: String) throws(EngineError) -> String? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let magic = metastore_file_system_magic(path)
        if magic == Self.ext4 {
            // Made of the UUID, and told by every kernel.
            guard metastore_file_system_number(path, &bytes) == 0 else { return nil }
            return "ext4 " + hexadecimal(bytes.prefix(8))
        }
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        // A file that is mounted by itself is not on its directory's file system.
        guard let file = try fileStatus(path, operation: "look at the file"),
            let status = try fileStatus(directory, operation: "look at the file"), file.st_dev == status.st_dev
        else { return nil }
        let opened = try OpenFile(directory, O_RDONLY | O_DIRECTORY, operation: "look at the file")
        let (kind, result): (String, Int32) =
            switch magic {
            case Self.xfs: ("xfs", metastore_xfs_identifier(opened.descriptor, &bytes))
            case Self.btrfs: ("btrfs", metastore_btrfs_identifier(opened.descriptor, &bytes))
            default: ("uuid", metastore_file_system_identifier(opened.descriptor, &bytes))
            }
        return result == 0 ? kind + " " + hexadecimal(bytes[...]) : nil
    }

    /// ext2, ext3 and ext4.
    private static let ext4: Int64 = 0xEF53
    private static let xfs: Int64 = 0x5846_5342
    private static let btrfs: Int64 = 0x9123_683E

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
        String(bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }, radix: 16)
    }
}
