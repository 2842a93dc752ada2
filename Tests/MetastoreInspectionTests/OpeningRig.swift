internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

func contents(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

/// What metastore-inspect-test said of a store, in a process of its own.
struct Told {
    let lines: [String]

    /// - Parameter user: nil for the one who runs the tests.
    init(_ path: String, user: UInt32? = nil, wal: String = "last") throws {
        lines = try output([
            CrashProcess.directory + "/metastore-inspect-test", user.map { "\($0)" } ?? "-", path, wal,
        ])
    }

    /// What follows a word at the beginning of a line.
    func all(_ word: String) -> [String] {
        lines.filter { $0.hasPrefix(word + " ") }.map { String($0.dropFirst(word.utf8.count + 1)) }
    }

    func callAsFunction(_ word: String) -> String? { all(word).first }
    var notices: String { all("notice").joined(separator: "\n") }
}

/// What a program writes to its standard output, to its end.
func output(_ command: [String]) throws -> [String] {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure("pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    let words = command.map { strdup($0) } + [nil]
    defer { for text in words { free(text) } }
    var process: pid_t = 0
    let result = posix_spawnp(&process, command[0], &actions, nil, words, environ)
    Glibc.close(ends[1])
    defer { Glibc.close(ends[0]) }
    guard result == 0 else { throw Failure(command[0], result) }
    var (bytes, piece): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 1 << 16))
    while true {
        let got = read(ends[0], &piece, piece.count)
        if got < 0, errno == EINTR { continue }
        if got <= 0 { break }
        bytes += piece[..<got]
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
}

/// A file system in a file.
final class Volume {
    let image: String
    let mountPoint: String
    private var device: String?

    /// - Parameter image: a file that has one already; else it is made.
    init(_ root: String, _ name: String, megabytes: Int = 32, image: String? = nil) throws {
        self.image = image ?? "\(root)/\(name).img"
        mountPoint = "\(root)/\(name)"
        guard mkdir(mountPoint, 0o755) == 0 else { throw Failure("mkdir") }
        guard image == nil else { return }
        try run("truncate", "-s", "\(megabytes)M", self.image)
        try run("/usr/sbin/mkfs.ext4", "-q", self.image)
    }

    deinit { unmount() }

    /// - Parameter isReadOnlyDevice: as a snapshot is attached; else the kernel may replay the journal.
    func mount(_ options: String, isReadOnlyDevice: Bool = false) throws {
        let flags = isReadOnlyDevice ? ["-r"] : []
        let words = ["/usr/sbin/losetup"] + flags + ["-f", "--show", image]
        guard let device = try output(words).first else { throw Failure("losetup", 0) }
        self.device = device
        try run("mount", "-o", options, device, mountPoint)
    }

    func unmount() {
        // Without waiting for whoever has something open there: the device goes when they are done.
        while umount2(mountPoint, Int32(MNT_DETACH)) == 0 {}
        if let device { try? run("/usr/sbin/losetup", "-d", device) }
        device = nil
    }
}

/// Every byte of every file, and every time: what a look of any kind would change.
struct Traces: Equatable {
    private let directory: String
    private let names: [String]
    private let files: [[UInt8]]
    private let times: [String]

    /// - Parameter aging: gives every file times of long ago first, so that a look of any kind shows.
    init(_ directory: String, aging: Bool = false) throws {
        self.directory = directory
        names = try Self.names(directory)
        files = try names.map { try Self.bytes(directory + "/" + $0) }
        if aging {
            for name in names {
                let old = [timespec(tv_sec: 1_000, tv_nsec: 0), timespec(tv_sec: 2_000, tv_nsec: 0)]
                guard utimensat(AT_FDCWD, directory + "/" + name, old, 0) == 0 else { throw Failure("utimensat") }
            }
        }
        times = names.map { Self.times(directory, $0) }
    }

    /// As it is now. The times come first, because looking at the rest moves them.
    func again() throws -> Traces { try Traces(directory, names) }

    private init(_ directory: String, _ before: [String]) throws {
        self.directory = directory
        times = before.map { Self.times(directory, $0) }
        names = try Self.names(directory)
        files = try names.map { try Self.bytes(directory + "/" + $0) }
    }

    private static func names(_ directory: String) throws -> [String] {
        ["."] + (try FileManager.default.subpathsOfDirectory(atPath: directory).sorted())
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
        return try contents(path)
    }

    private static func times(_ directory: String, _ name: String) -> String {
        var status = stat()
        guard lstat(directory + "/" + name, &status) == 0 else { return "\(name): gone" }
        return "\(name) \(status.st_size) \(status.st_atim.tv_sec) \(status.st_mtim.tv_sec) "
            + "\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec) \(status.st_ctim.tv_nsec)"
    }
}
