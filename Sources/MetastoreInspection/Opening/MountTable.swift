internal import Glibc
internal import MetastoreSQLite

/// What is mounted, as the kernel says (`/proc/self/mountinfo`).
package struct MountTable: Sendable, Hashable {
    /// A mount, as one line of it says.
    package struct Mount: Sendable, Hashable {
        package let path: String
        package let fileSystem: String
        /// Of the mount and of the file system.
        package let options: Set<String>
    }

    package let mounts: [Mount]

    /// Empty where the kernel doesn't say.
    package init() {
        let file = try? FrozenBytes("/proc/self/mountinfo")
        self.init(text: String(decoding: (try? file?.read(1 << 20, at: 0)) ?? [], as: UTF8.self))
    }

    /// Lines look like `45 27 7:1 / /mnt/snap ro,relatime - ext4 /dev/loop1 ro,norecovery`, with any number of fields
    /// before the dash.
    package init(text: String) {
        mounts = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { return nil }
            let options = [fields[5], fields[dash + 3]].flatMap { $0.split(separator: ",").map(String.init) }
            return Mount(
                path: Self.unescaped(fields[4]), fileSystem: String(fields[dash + 1]), options: Set(options))
        }
    }

    /// The one that a path, without links, lies on: of the longest that lead to it the last, which covers the others.
    package func mount(of path: String) -> Mount? {
        var found: Mount?
        for mount in mounts {
            let directory = mount.path.hasSuffix("/") ? mount.path : mount.path + "/"
            guard path == mount.path || path.hasPrefix(directory) else { continue }
            if mount.path.utf8.count >= found?.path.utf8.count ?? 0 { found = mount }
        }
        return found
    }

    /// A warning where the file system's own journal was not replayed; nil else.
    package func warning(for path: String) -> String? {
        let resolved = realpath(path, nil)
        defer { free(resolved) }
        guard let mount = mount(of: resolved.map { String(cString: $0) } ?? path),
            let option = ["noload", "norecovery", "nologreplay"].first(where: mount.options.contains)
        else { return nil }
        return
            "\(mount.path) is mounted without replaying the journal of its \(mount.fileSystem) (\(option)): files that "
            + "were made or grew before the end may be missing or short, a write-ahead log above all. Attach a "
            + "writable clone of the snapshot, and mount that with -o ro"
    }

    /// A space stands there as `\040`.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var left = field.utf8
        while let byte = left.popFirst() {
            let digits = left.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                left = left.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
