internal import Glibc

/// A file system in a file: a volume that is mounted here or there, and copied block by block.
package final class LoopImage {
    package enum Kind: String, CaseIterable, Sendable, CustomStringConvertible {
        case ext4, xfs

        package var description: String { rawValue }
        package var isInstalled: Bool { access("/usr/sbin/mkfs.\(rawValue)", X_OK) == 0 }
        /// XFS is not made smaller.
        fileprivate var megabytes: Int { self == .ext4 ? 32 : 320 }
    }

    package let kind: Kind
    private let file: String
    private var mountPoint: String?

    /// A new one.
    package init(_ kind: Kind, _ file: String) throws {
        (self.kind, self.file) = (kind, file)
        try run("truncate", "-s", "\(kind.megabytes)M", file)
        try run("/usr/sbin/mkfs.\(kind)", "-q", file)
    }

    /// A copy of another that isn't mounted, block by block.
    package init(cloneOf other: LoopImage, _ file: String) throws {
        (kind, self.file) = (other.kind, file)
        try run("cp", "--sparse=always", other.file, file)
    }

    deinit { try? unmount() }

    /// Mounts it in a new directory.
    package func mount(at directory: String) throws {
        mkdir(directory, 0o700)
        // Of a clone XFS would say that it is mounted already.
        let options = kind == .xfs ? "loop,nouuid" : "loop"
        try run("mount", "-o", options, file, directory)
        chmod(directory, 0o700)
        mountPoint = directory
    }

    package func unmount() throws {
        guard let mountPoint else { return }
        for _ in 0..<200 {
            if umount2(mountPoint, 0) == 0 {
                self.mountPoint = nil
                return
            }
            guard errno == EBUSY else { break }
            usleep(5_000)
        }
        throw Failure("umount \(mountPoint)")
    }
}
