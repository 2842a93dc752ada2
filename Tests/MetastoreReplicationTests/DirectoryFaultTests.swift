internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import MetastoreReplication
internal import Testing

/// What a process does when it is killed, and when its calls fail.
@Suite(.serialized, .timed) struct `A writer of an archive in a folder` {
    /// One call of a process, on an archive in which the name may have an object already.
    struct Call: Sendable, CustomTestStringConvertible {
        let verb: String
        /// What the name has before: `old`, nothing, or not even a folder.
        var isTaken = false
        var hasFolder = false
        var faults = ""
        var testDescription: String { "\(verb), taken: \(isTaken), folder: \(hasFolder), \(faults)" }

        static let old = [UInt8](repeating: 1, count: 100)
        static let new = [UInt8](repeating: 7, count: 10_000)

        func prepare(_ place: ArchiveScratch) async throws {
            if isTaken { _ = try await place.target.create(name("a/b/c"), Self.old) }
            if hasFolder { for folder in ["/a", "/a/b"] { mkdir(place.root + folder, 0o700) } }
        }

        func run(_ place: ArchiveScratch, _ faults: String, calls: String? = nil) throws -> Tool.Ending {
            let faults = [self.faults, faults].filter { !$0.isEmpty }.joined(separator: ",")
            return try place.process(verb, "a/b/c", faults: faults, calls: calls)
        }
    }

    static let calls = [
        Call(verb: "create"), Call(verb: "create", hasFolder: true), Call(verb: "create", isTaken: true),
        Call(verb: "remove", isTaken: true),
        Call(verb: "create", faults: "linkat:\(EPERM):0"),
        Call(verb: "create", isTaken: true, faults: "linkat:\(ENOTSUP):0"),
    ]

    @Test(arguments: calls) func `killed before any of its calls leaves all or nothing`(_ call: Call) async throws {
        var (kills, found) = (0, [String: Int]())
        while kills < 100 {
            let place = try ArchiveScratch()
            try await call.prepare(place)
            let ending = try call.run(place, "any:0:\(kills + 1)")
            guard ending.code == 137 else {
                #expect(ending.code == 0 && !ending.output.hasPrefix("error"), "\(ending)")
                break
            }
            kills += 1
            let (target, object) = (try place.target, try name("a/b/c"))
            let bytes = try await target.read(object, limit: 10_000)
            let isOld = bytes == Call.old && call.isTaken
            #expect(isOld || bytes == Call.new || bytes == nil, "\(bytes?.count ?? 0) bytes")
            if call.isTaken, call.verb == "create" { #expect(isOld) }
            found[bytes == nil ? "nothing" : isOld ? "old" : "new", default: 0] += 1
            // Only a temporary file may be beside it, and nobody sees it.
            let names = bytes == nil ? [] : ["a/b/c"]
            #expect(try await target.list(under: name("a"), after: nil, limit: 10).map(\.description) == names)
            #expect(try place.files().filter { !$0.contains(".new-") } == names)
            #expect(try await target.create(object, [9]) == (bytes == nil ? .created : .taken))
            #expect(try await target.read(object, limit: 10_000) == bytes ?? [9])
            try await target.removeTemporaries()
            #expect(try place.files() == ["a/b/c"])
        }
        print("\(call.testDescription): \(kills) kills; \(found.inWords)")
        #expect(kills > 8 && kills < 100)
        #expect(found.count == (call.verb == "create" && call.isTaken ? 1 : 2), "\(found)")
    }

    @Test func `killed at any moment has answered for whole objects only`() async throws {
        var random = Scale.random(43)
        var (acknowledged, temporaries) = (0, 0)
        for _ in 0..<Scale.of(200) {
            let place = try ArchiveScratch()
            let tool = try Tool(["fill", place.root, "7", "50000"], program: "metastore-archive-test")
            while tool.lines.isEmpty, !tool.hasEnded { usleep(1_000) }
            usleep(UInt32.random(in: 0...20_000, using: &random))
            tool.send(SIGKILL)
            let answers = tool.end().lines.map { $0.split(separator: " ") }
            let target = try place.target
            let names = try await target.list(under: name("log"), after: nil, limit: 100_000)
            #expect(answers.allSatisfy { $0.count == 2 && $0[0] == "created" })
            #expect(Set(names.map { "\($0)" }).isSuperset(of: answers.map { "log/\($0[1])" }))
            #expect(names.count <= answers.count + 1)
            for name in names {
                #expect(try await target.read(name, limit: 50_000) == [UInt8](repeating: 7, count: 50_000))
            }
            acknowledged += answers.count
            temporaries += try place.files().count - names.count
        }
        print("\(acknowledged) objects acknowledged, \(temporaries) temporary files left")
        #expect(acknowledged > 0)
    }

    /// How many flushes a call rests on, and from which on the name has its object.
    @Test(arguments: [
        (Call(verb: "create"), 4, 4), (Call(verb: "create", isTaken: true), 5, 9),
        (Call(verb: "remove", isTaken: true), 1, 1),
        (Call(verb: "create", faults: "linkat:\(EPERM):0"), 4, 4),
    ]) func `answers only after every flush`(_ call: Call, _ flushes: Int, _ changing: Int) async throws {
        for error in [EIO, ESTALE] {
            var failures = 0
            while failures <= flushes {
                let place = try ArchiveScratch()
                try await call.prepare(place)
                let ending = try call.run(place, "fsync:\(error):\(failures + 1)")
                guard ending.output.hasPrefix("error") else { break }
                failures += 1
                #expect(ending.output.hasPrefix("error unavailable"), "\(ending.output)")
                let before = call.isTaken ? Call.old : nil
                let after = call.verb == "remove" ? nil : Call.new
                let bytes = try await place.target.read(name("a/b/c"), limit: 10_000)
                #expect(bytes == (failures < changing ? before : after), "flush \(failures)")
                #expect(try place.files() == (bytes == nil ? [] : ["a/b/c"]))
                guard call.verb == "create" else { continue }
                #expect(try call.run(place, "").output == (bytes == nil ? "created\n" : "taken\n"))
            }
            #expect(failures == flushes)
        }
    }

    @Test func `flushes an object before it has a name, and each folder after`() async throws {
        let place = try ArchiveScratch()
        let log = place.directory + "/calls"
        func flushes(_ call: Call) throws -> [String] {
            unlink(log)
            _ = try call.run(place, "", calls: log)
            return try run(log).compactMap { line in
                guard ["fsync", "linkat", "unlinkat"].contains(line.prefix { $0 != " " }) else { return nil }
                let path = line.replacing(place.root, with: "")
                return String(path.prefix { $0 != "." }) + (path.contains(".new-") ? "new" : "")
            }
        }
        func run(_ path: String) throws -> [Substring] {
            let ending = try Tool.run([path], program: "/bin/cat")
            return ending.output.split(separator: "\n")
        }
        #expect(
            try flushes(Call(verb: "create")) == [
                "fsync ", "fsync /a", "fsync /a/b/new", "linkat /a/b", "unlinkat /a/b", "fsync /a/b",
            ])
        #expect(
            try flushes(Call(verb: "create")) == [
                "fsync ", "fsync /a", "fsync /a/b/new", "linkat /a/b", "unlinkat /a/b", "fsync /a/b/c", "fsync /a/b",
            ])
    }

    /// It can't be read, and it is removed before it is looked at.
    @Test(arguments: [("openat:\(EACCES):3", "taken"), ("openat:\(ENOENT):3", "error unavailable")])
    func `answers for an object that it can't open`(_ faults: String, _ answer: String) async throws {
        let place = try ArchiveScratch()
        _ = try await place.target.create(name("a/b"), Call.old)
        let ending = try place.process("create", "a/b", faults: faults)
        #expect(ending.output.hasPrefix(answer), "\(ending)")
        #expect(try place.files() == ["a/b"])
    }

    /// What the system says, and what the answer is. Flushes are those of the root, of the file, and of its folder.
    @Test(arguments: [
        ("mkdirat:\(ENOSPC):0", "error full", "Make some"), ("openat:\(ENOSPC):3", "error full", ""),
        ("write:\(ENOSPC):0", "error full", ""), ("write:\(EDQUOT):0", "error full", ""),
        ("linkat:\(ENOSPC):0", "error full", ""), ("fsync:\(ENOSPC):2", "error full", ""),
        ("fsync:\(ENOSPC):3", "error unavailable", "tried again"),
        ("openat:\(EACCES):0", "error refused", "Give the user"),
        ("mkdirat:\(EPERM):0", "error refused", "Give the user"),
        ("mkdirat:\(EROFS):0", "error refused", "Mount it writable"),
        ("openat:\(EIO):0", "error unavailable", "system's log"),
        ("write:\(EIO):0", "error unavailable", "system's log"),
        ("openat:\(ESTALE):0", "error unavailable", "server answers"),
        ("write:\(ETIMEDOUT):0", "error unavailable", "server answers"),
        ("openat:\(EMFILE):0", "error unavailable", "open files"),
        ("fsync:\(EINVAL):0", "error refused", "durable"),
        ("openat:\(EINVAL):0", "error refused", "use another"),
        ("linkat:\(EPERM):0,renameat2:\(EINVAL):0", "error refused", "taken twice"),
        ("linkat:\(ENOSYS):0,renameat2:\(ENOSYS):0", "error refused", "taken twice"),
        ("linkat:\(ENOTSUP):0,renameat2:\(EIO):0", "error unavailable", ""),
        ("linkat:\(EIO):0", "error unavailable", ""),
        ("linkat:\(EPERM):0", "created", ""), ("linkat:\(ENOTSUP):0", "created", ""),
        ("linkat:\(ENOSYS):0", "created", ""), ("unlinkat:\(EIO):0", "created", ""),
        ("write:-1:0", "created", ""),
        ("openat:4:1,mkdirat:4:1,write:4:1,fsync:4:1,linkat:4:1,unlinkat:4:1", "created", ""),
        ("linkat:\(EPERM):0,renameat2:4:1", "created", ""),
    ]) func `tells what a failing call means`(_ faults: String, _ answer: String, _ advice: String) async throws {
        let place = try ArchiveScratch()
        let ending = try place.process("create", "a/b", faults: faults)
        #expect(ending.code == 0 && ending.output.hasPrefix(answer) && ending.output.contains(advice), "\(ending)")
        let bytes = try await place.target.read(name("a/b"), limit: 10_000)
        let isThere = answer == "created" || faults == "fsync:\(ENOSPC):3"
        #expect(bytes == (isThere ? Call.new : nil))
        if faults.hasPrefix("unlinkat") { try await place.target.removeTemporaries() }
        #expect(try place.files() == (isThere ? ["a/b"] : []))
        #expect(try await place.target.create(name("a/b"), [1]) == (isThere ? .taken : .created))
    }
}
