internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import MetastoreReplication
internal import Testing

extension TargetKind {
    static let directory = TargetKind(testDescription: "a folder") { body in
        let place = try ArchiveScratch()
        try await body(place.target)
    }
}

/// A folder of a test's own for an archive, unmounted and gone with it.
final class ArchiveScratch: Sendable {
    let directory: String
    /// Where the archive goes.
    var root: String { directory + "/archive" }
    /// Where nothing may be written.
    var outside: String { directory + "/outside" }

    /// In memory where there is some: a killed process loses no page it has written.
    init() throws {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/metastore-archive-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template), let resolved = realpath(made, nil) else { throw Failure("mkdtemp") }
        defer { free(resolved) }
        directory = String(cString: resolved)
        for folder in [root, outside] where mkdir(folder, 0o700) != 0 { throw Failure("mkdir") }
    }

    deinit {
        while umount2(root, Int32(MNT_DETACH)) == 0 {}
        try? FaultSupport.run("rm", "-rf", directory)
    }

    var target: DirectoryTarget {
        get throws { try DirectoryTarget(path: root) }
    }

    /// Whatever lies below the root and is no folder, temporary or not.
    func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root).filter { path in
            var found = stat()
            return lstat(root + "/" + path, &found) == 0 && found.st_mode & S_IFMT != S_IFDIR
        }.sorted()
    }

    /// The permissions of what lies there.
    func mode(_ path: String) throws -> mode_t {
        var found = stat()
        guard lstat(root + "/" + path, &found) == 0 else { throw Failure("lstat") }
        return found.st_mode & 0o7777
    }

    func put(_ bytes: [UInt8], at path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else { throw Failure("open \(path)") }
    }

    func mount(_ size: String, again: Bool = false) throws {
        let flags = again ? UInt(MS_REMOUNT) : 0
        guard Glibc.mount("tmpfs", root, "tmpfs", flags, "size=\(size)") == 0 else { throw Failure("mount") }
    }

    func mountReadOnly() throws {
        guard Glibc.mount(root, root, nil, UInt(MS_BIND), nil) == 0,
            Glibc.mount(nil, root, nil, UInt(MS_BIND | MS_REMOUNT | MS_RDONLY), nil) == 0
        else { throw Failure("mount") }
    }

    /// What a process says, or 137 and nothing when it was killed.
    ///
    /// - Parameter faults: as the shim takes them; none for a process that is left alone.
    func process(
        _ verb: String, _ name: String, _ byte: UInt8 = 7, count: Int = 10_000, faults: String, calls: String? = nil
    ) throws -> Tool.Ending {
        var environment = ["LD_PRELOAD": try Self.shim.get(), "ARCHIVE_FAULTS": faults]
        environment["ARCHIVE_CALLS"] = calls
        return try Tool.run(
            [verb, root, name, "\(byte)", "\(count)"], program: "metastore-archive-test", environment: environment)
    }

    /// Compiled once, beside the binary of the tests.
    private static let shim = Result {
        let source = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let library = CrashProcess.directory + "/archiveshim.so"
        try FaultSupport.run(
            "cc", "-O2", "-shared", "-fPIC", "-o", library, "/\(source)/../ArchiveProgram/archiveshim.c", "-ldl")
        return library
    }
}

/// The error of a call that must fail; nil, recorded as an issue, when it doesn't.
func failure<Result>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws(ArchiveError) -> Result
) async -> ArchiveError? {
    do {
        let result = try await body()
        Issue.record("it answered \(result)", sourceLocation: sourceLocation)
        return nil
    } catch {
        return error
    }
}

extension ArchiveError {
    var isRefused: Bool { if case .refused = self { true } else { false } }
}
