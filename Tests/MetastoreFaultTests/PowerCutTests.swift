internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

extension Faults {
    /// A file system in a file, whose power is cut: everything that was not flushed is gone.
    ///
    /// The writing process is stopped first, as a power cut does: ext4 that is shut down answers a flush it is just
    /// working on with success (a plain C program that writes and flushes lost its last answer in one cut of four).
    @Suite(.serialized, .timed, .enabled(if: isRoot)) struct `A power cut` {
        @Test(arguments: Disk.Kind.allCases) func `loses nothing acknowledged`(_ kind: Disk.Kind) async throws {
            guard kind.isInstalled else { return }
            let cuts = Scale.of(kind == .ext4 ? 100 : 40)
            let disk = try Disk(kind)
            var random = Scale.random(4)
            var ledger = Ledger()
            let began = ContinuousClock.now
            for cut in 0..<cuts {
                let process = try CrashProcess("write", disk.path, "\(random.next() % 1_000_000)")
                if cut == 0 || cut % 4 != 3 { _ = try process.line() }
                usleep(UInt32.random(in: 0...120_000, using: &random))
                // Without waiting for it to be stopped: then it would never be cut off in the middle of a flush.
                process.signal(SIGSTOP)
                try disk.cut()
                process.kill()
                var heard = Heard(try process.rest())
                // It may have noticed.
                heard.errors = []
                ledger.note(heard)
                try disk.restart()
                let store = try await Metastore.open(.smallLog(disk.path))
                try await ledger.look(at: store)
                try await ledger.settle(store)
                try await ledger.verify(store, completely: cut % 10 == 9 || cut == cuts - 1)
                await store.close()
            }
            let each = ((ContinuousClock.now - began) / cuts).inMilliseconds
            print("\(cuts) power cuts on \(kind): \(ledger.acknowledged) acknowledged, none lost; \(each) ms a cut")
            #expect(ledger.acknowledged > 0)
        }

        /// So that the test above can be believed: the same, with flushes that do nothing.
        @Test func `loses acknowledged commits when flushes do nothing`() async throws {
            let cuts = Scale.of(100)
            let disk = try Disk(.ext4)
            let shim = try FaultShim(disk.place)
            shim.makeFlushesDoNothing()
            var random = Scale.random(5)
            var (acknowledged, lost) = (0, 0)
            for cut in 0..<cuts {
                let path = disk.place.store + "/\(cut).db"
                let base = try await Metastore.open(.smallLog(path))
                await base.close()
                let process = try CrashProcess("write", path, "\(cut)", environment: shim.environment)
                _ = try process.line()
                usleep(UInt32.random(in: 20_000...120_000, using: &random))
                try disk.cut()
                process.kill()
                let heard = Heard(try process.rest())
                try disk.restart()
                acknowledged += heard.answers.count
                let store = try? await Metastore.open(.smallLog(path), adopting)
                for request in heard.answers.keys {
                    if try await store?.keyValue.get(EntryKey("marks/\(request.name)")) == nil { lost += 1 }
                }
                await store?.close()
            }
            print("\(cuts) power cuts without flushes: \(lost) of \(acknowledged) acknowledged requests lost")
            if Scale.factor >= 1 { #expect(lost > 0) }
        }

        /// DESIGN D6: a fault while committing, its settled answer, and then the power goes.
        @Test func `does not change the answer of a settled commit`() async throws {
            let disk = try Disk(.ext4)
            var random = Scale.random(6)
            var answers: [String: Int] = [:]
            for round in 0..<Scale.of(120) {
                let shim = try FaultShim(disk.place)
                let process = try CrashProcess("serve", environment: shim.environment)
                #expect(try process.ask("open \(disk.path)").hasPrefix("ok"))
                let fault: Fault = round % 2 == 0 ? .flush : .write
                shim.arm(fault, after: Int32.random(in: 1...(fault == .flush ? 3 : 25), using: &random))
                var outcome: [Request: String] = [:]
                for _ in 0..<8 where shim.hits == 0 {
                    let request = Request(operation: OperationID().uuid, writer: 1, trials: 2)
                    outcome[request] = try process.ask("perform \(request)")
                }
                try disk.cut()
                process.kill()
                try disk.restart()
                let store = try await Metastore.open(.smallLog(disk.path))
                for (request, answer) in outcome {
                    answers[answer.hasPrefix("ok") ? "ok" : String(answer.split(separator: " ")[1]), default: 0] += 1
                    let mark = try await store.keyValue.get(EntryKey("marks/\(request.name)"))
                    #expect(
                        mark.map { "ok \($0.text)" } == (answer.hasPrefix("ok") ? answer : nil), "\(fault): \(answer)")
                }
                #expect(try await store.verify().findings == [])
                await store.close()
            }
            print("settled, then the power cut: \(answers.inWords)")
            #expect(Set(answers.keys).isSubset(of: ["ok", "notApplied"]))
        }

        /// A real fault of the device, of the worst kind: after a failed flush the kernel counts pages as clean that
        /// never reached the disk, so that reading finds them and the next flush leaves them out. The image's device
        /// runs
        /// out of room while the log grows, and has room again right after the failure. On XFS: ext4 answers the first
        /// flush that meets such a device with success, and no store can do anything about that.
        @Test(.enabled(if: Disk.Kind.xfs.isInstalled))
        func `does not take back what was settled after the kernel dropped pages`() async throws {
            var answers: [String: Int] = [:]
            for _ in 0..<Scale.of(20) {
                let disk = try Disk(.xfs, onDeviceOfMegabytes: 400)
                let shim = try FaultShim(disk.place)
                shim.freeRoom(by: disk.filler)
                let process = try CrashProcess("serve", environment: shim.environment)
                #expect(try process.ask("open \(disk.path)").hasPrefix("ok"))
                var outcome: [Request: String] = [:]
                // The cut follows at once: a checkpoint would bring what the log lost into the database file.
                for number in 0..<6 where shim.hits == 0 {
                    if number == 1 { try disk.fillDevice() }
                    let request = Request(operation: OperationID().uuid, writer: 1, trials: 3)
                    outcome[request] = try process.ask("perform \(request)")
                }
                #expect(shim.hits == 1, "the device did not fail")
                try disk.cut()
                process.kill()
                try disk.restart()
                let store = try await Metastore.open(.smallLog(disk.path))
                for (request, answer) in outcome {
                    answers[answer.hasPrefix("ok") ? "ok" : String(answer.split(separator: " ")[1]), default: 0] += 1
                    let mark = try await store.keyValue.get(EntryKey("marks/\(request.name)"))
                    #expect(mark.map { "ok \($0.text)" } == (answer.hasPrefix("ok") ? answer : nil), "\(answer)")
                }
                #expect(try await store.verify().findings == [])
                await store.close()
            }
            print("pages dropped, settled, then the power cut: \(answers.inWords)")
            #expect(Set(answers.keys).isSubset(of: ["ok", "notApplied"]))
        }

        /// The device goes for good while the store writes: outcome unknown, and the power cut's answer is the truth.
        @Test func `of a device that is gone leaves the outcome unknown until it is opened again`() async throws {
            let disk = try Disk(.ext4)
            let process = try CrashProcess("serve")
            try process.ask("open \(disk.path)")
            let first = Request(operation: OperationID().uuid, writer: 1, trials: 1)
            let kept = try process.ask("perform \(first)")
            try disk.cut()
            let second = Request(operation: OperationID().uuid, writer: 1, trials: 1)
            let answer = try process.ask("perform \(second)")
            #expect(answer.hasPrefix("error outcomeUnknown"), "\(answer)")
            #expect(try process.ask("perform \(first)").hasPrefix("error outcomeUnknown"))
            process.kill()
            try disk.restart()
            let store = try await Metastore.open(.smallLog(disk.path))
            #expect("ok \(try await store.perform(first))" == kept)
            let settled = try await store.perform(second)
            #expect(try await store.perform(second) == settled)
            #expect(try await store.number("counters/1") == 2)
            await store.close()
        }
    }
}

/// A file system in a file, mounted where a place keeps its store.
final class Disk {
    enum Kind: String, CaseIterable, CustomStringConvertible {
        case ext4, xfs

        var description: String { rawValue }
        var isInstalled: Bool { access("/usr/sbin/mkfs.\(rawValue)", X_OK) == 0 }
        /// XFS is not made smaller.
        fileprivate var megabytes: Int { self == .ext4 ? 64 : 320 }
    }

    let place: Place
    var path: String { place.path }
    private var device: String { place.directory + "/device" }
    private var image: String { device + "/image" }
    /// What keeps the device full.
    var filler: String { device + "/filler" }

    /// - Parameter room: of the device that the file lies on; without it, that of the machine.
    init(_ kind: Kind, onDeviceOfMegabytes room: Int? = nil) throws {
        place = try Place()
        mkdir(device, 0o700)
        if let room {
            try run("mount", "-t", "tmpfs", "-o", "size=\(room)m", "tmpfs", device)
        }
        try run("truncate", "-s", "\(kind.megabytes)M", image)
        try run("/usr/sbin/mkfs.\(kind)", "-q", image)
        // Every block has its room until it is given back, the journal's too.
        if room != nil { try run("fallocate", "-l", "\(kind.megabytes)M", image) }
        try mount()
        chmod(place.store, 0o700)
    }

    deinit {
        try? run("umount", "-l", place.store)
        umount2(device, Int32(MNT_DETACH))
    }

    /// Gives back the room of all blocks that no file uses, and takes it: a file that grows meets a failing device.
    func fillDevice() throws {
        try run("fstrim", place.store)
        let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let bytes = [UInt8](repeating: 1, count: 1 << 16)
        while Glibc.write(descriptor, bytes, bytes.count) > 0 {}
        guard errno == ENOSPC else { throw Failure("write") }
    }

    private func mount() throws { try run("mount", "-o", "loop", image, place.store) }

    /// Nothing that isn't flushed yet reaches the image any more; every later call fails.
    func cut() throws {
        let directory = open(place.store, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        var withoutFlushingTheLog: UInt32 = 2
        guard directory >= 0, ioctl(directory, 0x8004_587d, &withoutFlushingTheLog) == 0 else { throw Failure("cut") }
    }

    /// The machine comes up again.
    func restart() throws {
        for _ in 0..<200 {
            if umount(place.store) == 0 { return try mount() }
            guard errno == EBUSY else { break }
            usleep(5_000)
        }
        throw Failure("umount")
    }
}
