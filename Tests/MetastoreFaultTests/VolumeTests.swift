internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

/// A store's file goes to other places and machines: what is still the store, and what is a copy (G15).
@Suite(.serialized, .timed, .enabled(if: isRoot)) struct `A store's file elsewhere` {
    private func options(_ machine: String?, _ copies: CopyPolicy = .refuse) -> StoreOptions {
        var options = StoreOptions()
        options.machine = machine
        options.copies = copies
        return options
    }

    /// Opens it, commits something, and closes it; returns the epoch it was in.
    private func work(_ path: String, _ options: StoreOptions, _ number: Int) async throws -> Int64 {
        let store = try await Metastore.open(.sqlite(path), options)
        if number > 0 {
            #expect(try await store.keyValue.get("n/last")?.value == Array("\(number - 1)".utf8))
        }
        try await store.keyValue.put("n/last", "\(number)")
        let epoch = try await store.info().epoch.number
        await store.close()
        return epoch
    }

    @Test(arguments: LoopImage.Kind.allCases)
    func `a volume that was moved to another machine goes on, in a new epoch`(_ kind: LoopImage.Kind) async throws {
        guard kind.isInstalled else { return }
        let place = try Place()
        let image = try LoopImage(kind, place.directory + "/image")
        let rounds = Scale.of(50) + 1
        for round in 0..<rounds {
            let mountPoint = place.directory + "/machine-\(round)"
            try image.mount(at: mountPoint)
            let path = mountPoint + "/metastore.db"
            #expect(try await work(path, options("machine \(round)"), 2 * round) == Int64(round + 1))
            // Here it stays what it is.
            #expect(try await work(path, options("machine \(round)"), 2 * round + 1) == Int64(round + 1))
            try image.unmount()
        }
        print("\(rounds - 1) moves of a volume with \(kind): as many epochs, nothing refused")
    }

    /// Each has another machine id, its directory by another path, and was killed.
    @Test func `a container that was started again goes on`() async throws {
        let place = try Place()
        let data = place.directory + "/data"
        mkdir(data, 0o700)
        let rounds = Scale.of(50)
        var (machine, epochs) = (String?.none, Int64(1))
        func opened(on next: String?) {
            // Where the one before had no id nothing says that it is another.
            if machine != nil, machine != next { epochs += 1 }
            machine = next
        }
        for round in 0..<rounds {
            let inside = place.directory + "/container-\(round)"
            mkdir(inside, 0o700)
            try run("mount", "--bind", data, inside)
            defer { umount2(inside, Int32(MNT_DETACH)) }
            let path = inside + "/metastore.db"
            let id: String? = round % 5 == 4 ? nil : "container \(round)"
            let store = try await Metastore.open(.sqlite(path), options(id))
            opened(on: id)
            #expect(try await store.info().epoch.number == epochs)
            await store.close()
            let process = try CrashProcess("write", path, "\(round)")
            #expect(try process.line() == "open")
            opened(on: Self.own)
            usleep(5_000)
            process.kill()
        }
        print("\(rounds) containers on one directory: each went on")
    }

    /// How people copy a directory.
    private enum Way: String, CaseIterable {
        case archive = "cp -a $0 $1"
        case reflink = "cp -a --reflink=always $0 $1"
        case piece = "mkdir $1; tar -C $0 -c . | tar -C $1 -x --same-owner -p"
        case device = "mkdir $1; mount -t tmpfs -o size=8m tmpfs $1; cp -a $0/. $1"
        /// The copy may get the original's number, which is free.
        case back = "cp -a $0 $1.aside; rm -r $0; cp -a $1.aside $1; rm -r $1.aside"
    }

    @Test(arguments: LoopImage.Kind.allCases)
    func `a directory that was copied takes no writes until it is told to`(_ kind: LoopImage.Kind) async throws {
        guard kind.isInstalled else { return }
        let place = try Place()
        let image = try LoopImage(kind, place.directory + "/image")
        try image.mount(at: place.directory + "/volume")
        var random = Scale.random(81)
        var ways: [String: Int] = [:]
        for round in 0..<Scale.of(50) {
            let (one, two) = (place.directory + "/volume/one", place.directory + "/volume/two")
            mkdir(one, 0o700)
            defer {
                umount2(two, Int32(MNT_DETACH))
                try? run("rm", "-rf", one, two)
            }
            let path = one + "/metastore.db"
            let isKilled = Bool.random(using: &random)
            let process = try CrashProcess("serve")
            _ = try process.ask("open \(path) still")
            for number in 0...round % 4 { _ = try process.ask("put a/\(number) \(number)") }
            if !isKilled { _ = try process.ask("close") }
            process.kill()
            let usable = Way.allCases.filter { $0 != .reflink || kind == .xfs }
            let way = usable[round % usable.count]
            try run("sh", "-c", way.rawValue, one, two)
            ways["\(way)", default: 0] += 1
            let before = try files(two)
            let copy = two + "/metastore.db"
            for machine in ["here", nil] {
                #expect(await refusal(.sqlite(copy), options(machine)) == .copied(place: copy), "\(way)")
            }
            #expect(try files(two).filter { $0.key != "metastore.db.lock" } == before, "\(way)")
            let adopted = try await Metastore.open(.sqlite(copy), options("here", .adopt))
            #expect(try await adopted.info().epoch.number == 2)
            #expect(try await adopted.keyValue.get("a/0") != nil)
            await adopted.close()
            #expect(try await work(copy, options("here"), 0) == 2)
            if way != .back { #expect(try await work(path, options(Self.own), 0) == 1, "the original is what it was") }
        }
        print("copies on \(kind): \(ways.inWords); each was refused, and adopted")
    }

    /// What the process that made the store says of this machine.
    private static var own: String? { StoreOptions().machine }

    private func files(_ directory: String) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            // SQLite makes an index, and an empty log, by looking.
            guard !name.hasSuffix("-shm"), name != "metastore.db.lock" else { continue }
            let bytes = try contents(directory + "/" + name)
            if name.hasSuffix("-wal"), bytes.isEmpty { continue }
            found[name] = bytes
        }
        return found
    }
}
