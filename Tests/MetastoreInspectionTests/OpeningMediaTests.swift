internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A store whose writer was killed, or that was closed, and what its writer was told.
struct Remains {
    /// What stands beside the database where the index of its log was.
    enum Index: String, CaseIterable, Sendable {
        case none, valid, stale, empty, cut, garbage
    }

    /// What became of the log.
    enum Log: String, CaseIterable, Sendable {
        case closed, whole, cut, flipped, missing
    }

    let log: Log
    /// The revisions of the keys `a/1` to `a/5`, each a commit of its own in the log.
    let told: [Int64]
    /// Of the store before them.
    let base: Int64
    /// After how many of the keys the log is shown.
    var shown: Int {
        switch log {
        case .closed, .whole: 5
        case .cut: 3
        case .flipped: 2
        case .missing: 0
        }
    }
    /// Where the next commit would begin.
    var revision: Int64 { shown == 0 ? base : told[shown - 1] }

    private let files: [String: [UInt8]]
    private let stale: [UInt8]

    /// Makes one in a directory of its own.
    init(_ log: Log, in directory: String) throws {
        self.log = log
        guard mkdir(directory, 0o755) == 0 else { throw Failure("mkdir") }
        let path = directory + "/metastore.db"
        let first = try CrashProcess("serve")
        _ = try first.ask("open \(path)")
        base = Int64(try first.ask("put a/0 0").split(separator: " ").last ?? "") ?? -1
        _ = try first.ask("close")
        first.kill()
        let process = try CrashProcess("serve")
        _ = try process.ask("open \(path) still")
        _ = try process.ask("settle")
        var (told, stale): ([Int64], [UInt8]) = ([], [])
        for number in 1...5 {
            told.append(Int64(try process.ask("put a/\(number) \(number)").split(separator: " ").last ?? "") ?? -1)
            if number == 2 { stale = try contents(path + "-shm") }
        }
        let index = try contents(path + "-shm")
        if log == .closed { _ = try process.ask("close") }
        process.kill()
        (self.told, self.stale) = (told, stale)
        var files: [String: [UInt8]] = ["-shm": index]
        for suffix in ["", "-wal", ".head", ".lock"] {
            if FileManager.default.fileExists(atPath: path + suffix) { files[suffix] = try contents(path + suffix) }
        }
        if log != .closed {
            // The last five commits; opening's own is before them where the log wasn't begun anew.
            let frames = try #require(try FrozenBytes(path + "-wal").flatMap { try LogFrames($0) })
            let last = frames.commits.suffix(5).map(\.frame)
            let frameBytes = frames.pageBytes + 24
            var bytes = files["-wal"] ?? []
            switch log {
            case .cut: bytes = Array(bytes[..<(32 + last[2] * frameBytes + 1_000)])
            case .flipped: bytes[32 + last[1] * frameBytes + 24 + 3_000] ^= 4
            case .closed, .whole, .missing: break
            }
            files["-wal"] = log == .missing ? nil : bytes
        }
        self.files = files
        try run("rm", "-rf", directory)
    }

    /// Puts it into a new directory, for a user.
    func lay(in directory: String, _ index: Index, for user: UInt32) throws {
        guard mkdir(directory, 0o700) == 0, chown(directory, user, user) == 0 else { throw Failure("mkdir") }
        var files = files
        switch index {
        case .none: files["-shm"] = nil
        case .valid: break
        case .stale: files["-shm"] = stale
        case .empty: files["-shm"] = []
        case .cut: files["-shm"] = [1, 2, 3]
        case .garbage: files["-shm"] = (0..<32_768).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        }
        for (suffix, bytes) in files {
            let path = directory + "/metastore.db" + suffix
            try write(bytes, to: path)
            guard chmod(path, 0o600) == 0, chown(path, user, user) == 0 else { throw Failure("chown") }
        }
    }

    /// Exactly what the writer had, or what is missing and that it is.
    func expect(_ told: Told, _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
        func expect(_ condition: Bool) {
            #expect(condition, "\(comment): \(told.lines)", sourceLocation: sourceLocation)
        }
        expect(told("revision") == "\(revision)" && told("live") == "false" && told("verified") == "true")
        let keys = [(0, base)] + self.told.prefix(shown).enumerated().map { ($0.offset + 1, $0.element) }
        expect(told.all("key") == keys.map { "kv/a/\($0.0) \($0.1)" })
        let verdict =
            log == .closed
            ? "clean"
            : "not closed cleanly: proven up to revision \(revision); later commits can be neither shown nor excluded"
        expect(told("verdict") == verdict)
        switch log {
        case .closed: expect(told.notices.isEmpty && told("log") == "none")
        case .whole: expect(told.notices.isEmpty && told("log")?.contains("commits in") == true)
        case .cut: expect(told.notices.contains("it ends inside frame"))
        case .flipped: expect(told.notices.contains("has a bad checksum") && told.notices.contains("about 3 commits"))
        case .missing: expect(told.notices.contains("no write-ahead log lies beside it"))
        }
    }
}

@Suite(.serialized, .timed, .enabled(if: isRoot)) struct `Opening without a trace` {
    private static let nobody: UInt32 = 65_534

    /// Every kind of log with every kind of index.
    private static func all(in root: String, _ lay: (Remains, Remains.Index, String) throws -> Void) throws {
        for log in Remains.Log.allCases {
            let remains = try Remains(log, in: root + "/made-\(log)")
            for index in Remains.Index.allCases { try lay(remains, index, "\(log)-\(index)") }
        }
    }

    /// A snapshot's volume, attached read-only: not a byte of the device may change, times included.
    @Test func `reads a read-only volume, whatever stands beside the database`() async throws {
        try await withScratch { root in
            chmod(root, 0o755)
            let volume = try Volume(root, "volume")
            try volume.mount("rw")
            chmod(volume.mountPoint, 0o755)
            var made: [(Remains, String)] = []
            try Self.all(in: root) { remains, index, name in
                try remains.lay(in: volume.mountPoint + "/\(name)", index, for: Self.nobody)
                made.append((remains, name))
            }
            volume.unmount()
            try run("cp", "--sparse=always", volume.image, volume.image + ".before")
            try volume.mount("ro", isReadOnlyDevice: true)
            for (remains, name) in made {
                for user in [nil, Self.nobody] {
                    let told = try Told(volume.mountPoint + "/\(name)", user: user)
                    remains.expect(told, "\(name) as \(user.map { "\($0)" } ?? "root")")
                }
            }
            volume.unmount()
            try run("cmp", volume.image, volume.image + ".before")
        }
    }

    @Test func `reads a read-only bind mount, whatever stands beside the database`() async throws {
        try await withScratch { root in
            chmod(root, 0o755)
            let (place, bound) = (root + "/place", root + "/bound")
            for directory in [place, bound] { mkdir(directory, 0o755) }
            var made: [(Remains, String)] = []
            try Self.all(in: root) { remains, index, name in
                try remains.lay(in: place + "/\(name)", index, for: Self.nobody)
                made.append((remains, name))
            }
            let before = try Traces(place, aging: true)
            try run("mount", "--bind", place, bound)
            defer { umount2(bound, Int32(MNT_DETACH)) }
            try run("mount", "-o", "remount,ro,bind", bound)
            for (remains, name) in made {
                remains.expect(try Told(bound + "/\(name)", user: Self.nobody), "\(name)")
            }
            #expect(try before.again() == before)
        }
    }

    /// Where everything might be changed nothing is: not the times of access either, where the system lets it.
    @Test func `leaves no trace where it could`() async throws {
        try await withScratch { root in
            chmod(root, 0o755)
            for log in Remains.Log.allCases {
                let remains = try Remains(log, in: root + "/made")
                let place = root + "/\(log)"
                try remains.lay(in: place, .valid, for: Self.nobody)
                let before = try Traces(place, aging: true)
                remains.expect(try Told(place, user: Self.nobody), "\(log)")
                remains.expect(try Told(place + "/metastore.db"), "\(log)")
                #expect(try before.again() == before, "\(log)")
            }
        }
    }

    @Test func `shows the state at any commit that is still in the log`() async throws {
        try await withScratch { root in
            let remains = try Remains(.whole, in: root + "/made")
            try remains.lay(in: root + "/place", .none, for: 0)
            let all = try Told(root + "/place")
            let commits = Int(all("log")?.split(separator: " ").first ?? "") ?? 0
            #expect(commits >= 5)
            for count in 0...commits {
                let told = try Told(root + "/place", wal: count == 0 ? "ignore" : "\(count)")
                let shown = max(0, count - (commits - 5))
                #expect(told("revision") == "\(shown == 0 ? remains.base : remains.told[shown - 1])", "\(told.lines)")
                #expect(told.all("key").count == shown + 1 && told("verified") == "true")
                #expect(told.notices.contains("an earlier state is shown") == (count < commits))
                #expect(told("verdict")?.hasPrefix("not closed cleanly") == true)
            }
        }
    }

    /// ext4 mounted without its journal hides files that were just made.
    @Test func `warns of a mount without its journal`() async throws {
        try await withScratch { root in
            let volume = try Volume(root, "a volume")
            try volume.mount("rw")
            let remains = try Remains(.closed, in: root + "/made")
            try remains.lay(in: volume.mountPoint + "/place", .none, for: 0)
            volume.unmount()
            try volume.mount("ro,noload", isReadOnlyDevice: true)
            let told = try Told(volume.mountPoint)
            #expect(told.notices.contains("\(volume.mountPoint) is mounted without replaying the journal"))
            #expect(told("revision") == "\(remains.revision)")
        }
    }
}
