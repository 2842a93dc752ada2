internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import MetastoreReplication
internal import Testing

@Suite(.serialized, .timed) struct `An archive in a folder` {
    let place: ArchiveScratch
    init() throws { place = try ArchiveScratch() }

    @Test func `is the owner's alone`() async throws {
        let target = try place.target
        _ = try await target.create(name("log/2/1"), [1])
        _ = try await target.create(name("hint"), [1])
        #expect(try place.mode("log") == 0o700 && place.mode("log/2") == 0o700)
        #expect(try place.mode("log/2/1") == 0o600 && place.mode("hint") == 0o600)
        #expect(try place.files() == ["hint", "log/2/1"])
    }

    @Test func `is found where it was named, wherever the process goes`() async throws {
        let link = place.directory + "/link"
        symlink(place.root, link)
        let target = try DirectoryTarget(path: link)
        #expect(target.place == place.root)
        unlink(link)
        symlink(place.outside, link)
        #expect(try await target.create(name("a"), [1]) == .created)
        #expect(try place.files() == ["a"])
        #expect(try DirectoryTarget(path: ".").place == FileManager.default.currentDirectoryPath)
    }

    @Test func `is refused where nothing is mounted`() async throws {
        let missing = place.root + "/missing"
        let said = "there is no folder \(missing); mount the volume, or make the folder"
        #expect(throws: ArchiveError.refused(place: missing, reason: said)) { try DirectoryTarget(path: missing) }
        try place.put([1], at: missing)
        #expect { try DirectoryTarget(path: missing) } throws: { "\($0)".contains("is no folder") }
        unlink(missing)

        // It was there, and isn't now.
        mkdir(missing, 0o700)
        let target = try DirectoryTarget(path: missing)
        rmdir(missing)
        let gone = ArchiveError.refused(place: missing, reason: said)
        let object = try name("a/b")
        #expect(await failure { () throws(ArchiveError) in try await target.create(object, [1]) } == gone)
        #expect(await failure { () throws(ArchiveError) in try await target.read(object, limit: 1) } == gone)
        #expect(await failure { () throws(ArchiveError) in try await target.remove(object) } == gone)
        #expect(
            await failure { () throws(ArchiveError) in try await target.list(under: object, after: nil, limit: 1) }
                == gone)
        #expect(await failure { () throws(ArchiveError) in try await target.removeTemporaries() } == gone)
        #expect(try place.files() == [])
        symlink(place.outside, missing)
        let error = await failure { () throws(ArchiveError) in try await target.create(object, [1]) }
        #expect(error?.isRefused == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.outside) == [])
    }

    /// A folder, an object, and one that leads nowhere.
    @Test(arguments: ["link/a", "link/a/b", "log/file", "log/nowhere"])
    func `follows no link`(_ text: String) async throws {
        let target = try place.target
        try place.put([1, 2, 3], at: place.outside + "/a")
        mkdir(place.root + "/log", 0o700)
        symlink(place.outside, place.root + "/link")
        symlink(place.outside + "/a", place.root + "/log/file")
        symlink(place.outside + "/nowhere", place.root + "/log/nowhere")
        let (before, object) = (try place.files(), try name(text))
        let errors = [
            await failure { () throws(ArchiveError) in try await target.create(object, [9]) },
            await failure { () throws(ArchiveError) in try await target.read(object, limit: 9) },
            await failure { () throws(ArchiveError) in try await target.remove(object) },
            await failure { () throws(ArchiveError) in try await target.list(under: object, after: nil, limit: 9) },
        ]
        for error in errors {
            let said = error.map { "\($0)" } ?? ""
            #expect(error?.isRefused == true && said.contains("symbolic link"), "\(said)")
        }
        #expect(try place.files() == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.outside) == ["a"])
        #expect(FileManager.default.contents(atPath: place.outside + "/a") == Data([1, 2, 3]))
    }

    @Test(.timeLimit(.minutes(1))) func `takes no pipe and no folder for an object`() async throws {
        let (target, other) = (try place.target, try name("a"))
        for isPipe in [true, false] {
            if isPipe { mkfifo(place.root + "/a", 0o600) } else { mkdir(place.root + "/a", 0o700) }
            let errors = [
                await failure { () throws(ArchiveError) in try await target.create(other, [9]) },
                await failure { () throws(ArchiveError) in try await target.read(other, limit: 9) },
                await failure { () throws(ArchiveError) in try await target.remove(other) },
            ]
            for error in errors { #expect(error?.isRefused == true, "\(String(describing: error))") }
            #expect(try place.files() == (isPipe ? ["a"] : []))
            unlink(place.root + "/a")
        }
    }

    @Test func `passes over what is no object`() async throws {
        let target = try place.target
        _ = try await target.create(name("log/a"), [1])
        for other in [".new-0", ".hidden", "lost+found", "A", "a b", "x.", String(repeating: "b", count: 210)] {
            try place.put([1], at: place.root + "/log/" + other)
        }
        mkdir(place.root + "/log/Folder", 0o700)
        try place.put([1], at: place.root + "/log/Folder/a")
        #expect(try await target.list(under: name("log"), after: nil, limit: 10).map(\.description) == ["log/a"])
    }

    @Test func `loses temporary files, and nothing else, when it is told to`() async throws {
        let target = try place.target
        _ = try await target.create(name("log/2/a"), [1])
        let left = ".new-" + String(repeating: "0f", count: 16)
        for folder in ["", "log/", "log/2/"] { try place.put([1], at: place.root + "/" + folder + left) }
        let others = [".new-", ".new-0", ".new-" + String(repeating: "0F", count: 16), "new-a"]
        for other in others { try place.put([1], at: place.root + "/log/" + other) }
        symlink(place.outside + "/a", place.root + "/log/2/" + left + "0")
        try await target.removeTemporaries()
        #expect(try place.files() == (others.map { "log/" + $0 } + ["log/2/a", "log/2/" + left + "0"]).sorted())
    }

    @Test(.enabled(if: isRoot)) func `without room says so, leaves nothing, and goes on once there is some`()
        async throws
    {
        try place.mount("1m")
        let (target, bytes) = (try place.target, [UInt8](repeating: 1, count: 200_000))
        var (number, full) = (0, ArchiveError?.none)
        while full == nil, number < 100 {
            do {
                #expect(try await target.create(name("log/\(number)"), bytes) == .created)
                number += 1
            } catch let error as ArchiveError { full = error }
        }
        #expect(full == .full(place: place.root) && number > 2)
        let made = (0..<number).map { "log/\($0)" }.sorted()
        let refused = try name("log/\(number)")
        #expect(await failure { () throws(ArchiveError) in try await target.create(refused, bytes) } == full)
        #expect(try await target.read(refused, limit: 200_000) == nil)
        #expect(try place.files() == made)
        for text in made { #expect(try await target.read(name(text), limit: 200_000) == bytes) }
        try place.mount("4m", again: true)
        #expect(try await target.create(refused, bytes) == .created)
        #expect(try await target.read(refused, limit: 200_000) == bytes)
    }

    @Test(.enabled(if: isRoot)) func `mounted read-only refuses writes, and is read`() async throws {
        let (target, object) = (try place.target, try name("log/a"))
        _ = try await target.create(object, [1])
        try place.mountReadOnly()
        let errors = [
            await failure { () throws(ArchiveError) in try await target.create(object, [9]) },
            await failure { () throws(ArchiveError) in try await target.remove(object) },
        ]
        for error in errors {
            let said = error.map { "\($0)" } ?? ""
            #expect(error?.isRefused == true && said.contains("Mount it writable"), "\(said)")
        }
        #expect(try await target.read(object, limit: 1) == [1])
        #expect(try place.files() == ["log/a"])
    }
}
