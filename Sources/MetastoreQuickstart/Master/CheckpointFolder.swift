internal import FoundationEssentials
internal import Glibc

/// Where the files of checkpoints are: one folder each, named by its UUID.
///
/// Invariants
/// 1. What ``write(_:as:)`` has returned from is on disk: files, folder and its entry are flushed. Only then
///    may it be reported.
/// 2. Writing again writes the same bytes, and removing again removes nothing: both may be cut off anywhere
///    and repeated.
package struct CheckpointFolder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    private func folder(_ uuid: UUID) -> String { path + "/" + uuid.uuidString.lowercased() }

    /// Writes the files of a checkpoint and flushes them.
    func write(_ files: [String: [UInt8]], as uuid: UUID) throws {
        let folder = folder(uuid)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
            try Self.write(bytes, to: folder + "/" + name)
        }
        try Self.flush(folder)
        try Self.flush(path)
    }

    /// The files of a checkpoint; those that aren't there are missing.
    func read(_ names: some Sequence<String>, of uuid: UUID) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in names {
            guard let data = FileManager.default.contents(atPath: folder(uuid) + "/" + name) else { continue }
            files[name] = Array(data)
        }
        return files
    }

    /// Removes a checkpoint's files, as far as they are there.
    func remove(_ uuid: UUID) throws {
        guard FileManager.default.fileExists(atPath: folder(uuid)) else { return }
        try FileManager.default.removeItem(atPath: folder(uuid))
        try Self.flush(path)
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileProblem(path: path, number: errno) }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileProblem(path: path, number: errno) }
            written += count
        }
        guard fsync(file) == 0 else { throw FileProblem(path: path, number: errno) }
    }

    private static func flush(_ folder: String) throws {
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw FileProblem(path: folder, number: errno) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw FileProblem(path: folder, number: errno) }
    }
}

/// A file that couldn't be written.
package struct FileProblem: Error, CustomStringConvertible {
    let path: String
    let number: Int32

    package var description: String {
        "\(path) can't be written: \(String(cString: strerror(number))). Nothing of it was reported; make "
            + "room or mend the place, and run the same command again"
    }
}
