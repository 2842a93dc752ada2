internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

extension Faults {
    /// DESIGN D6. The faults come from a library loaded into the writing process.
    @Suite(.serialized, .timed) struct `A device that fails while flushing` {
        let place: Place
        let shim: FaultShim
        init() throws {
            place = try Place()
            shim = try FaultShim(place)
        }

        /// At the n-th flush or write of the write-ahead log after arming; a request makes one write, the log's header
        /// another.
        static let faults: [(Fault, Int32)] = [
            (.flush, 1), (.flush, 2), (.flush, 3), (.write, 1), (.write, 2), (.write, 3), (.write, 4), (.write, 5),
            (.write, 6),
        ]

        @Test(arguments: faults) func `settles the answer, which then never changes`(_ fault: Fault, _ after: Int32)
            async throws
        {
            let process = try CrashProcess("serve", environment: shim.environment)
            #expect(try process.ask("open \(place.path)").hasPrefix("ok"))
            var outcome: [Request: String] = [:]
            shim.arm(fault, after: after)
            for _ in 0..<6 {
                let request = Request(operation: OperationID().uuid, writer: 1, trials: 2)
                outcome[request] = try process.ask("perform \(request)")
            }
            #expect(shim.hits == 1)
            let unhappy = outcome.values.filter { !$0.hasPrefix("ok") }
            #expect(unhappy.allSatisfy { $0.hasPrefix("error notApplied") && $0.contains("may repeat") }, "\(unhappy)")
            #expect(unhappy.count <= 1)
            // A passing fault of a flush leaves the bytes in the log: writing them again brings them to the disk. The
            // first flush is that of the log's header, before any page of the transaction is written.
            if fault == .flush, after > 1 { #expect(unhappy.isEmpty) }
            try check(outcome, with: process)
            #expect(try process.ask("put after/all 1").hasPrefix("ok"))
            try check(outcome, with: process)
            #expect(try process.ask("verify").hasPrefix("ok"))
            process.kill()
            for _ in 0..<2 {
                let store = try await Metastore.open(.sqlite(place.path))
                for (request, answer) in outcome {
                    let mark = try await store.keyValue.get(EntryKey("marks/\(request.name)"))
                    #expect(mark.map { "ok \($0.text)" } == (answer.hasPrefix("ok") ? answer : nil))
                }
                #expect(try await store.verify().findings == [])
                await store.close()
            }
        }

        private func check(_ outcome: [Request: String], with process: CrashProcess) throws {
            for (request, answer) in outcome {
                let mark = try process.ask("get marks/\(request.name)")
                #expect(mark == (answer.hasPrefix("ok") ? answer : "ok -"))
            }
        }

        @Test func `is survived by the feed, in order and without a gap`() async throws {
            let process = try CrashProcess("serve", environment: shim.environment)
            try process.ask("open \(place.path)")
            try process.ask("put a/1 x")
            #expect(try process.ask("follow 1") == "ok 1")
            shim.arm(.flush, after: 1)
            #expect(try process.ask("put a/2 x").hasPrefix("ok"))
            #expect(shim.hits == 1)
            // The settling made a revision of its own: this handle knows of it.
            let (info, position) = (try process.ask("info"), try process.ask("position"))
            #expect(info.split(separator: " ").last == position.split(separator: ":")[2], "\(info) \(position)")
            try process.ask("put a/3 x")
            #expect(try process.ask("follow 2") == "ok 2")
            #expect(process.heard.map { $0.split(separator: " ")[2] } == ["kv/a/1", "kv/a/2", "kv/a/3"])
        }

        @Test func `and goes on failing leaves the store closed, and opening it again answers`() async throws {
            let process = try CrashProcess("serve", environment: shim.environment)
            try process.ask("open \(place.path)")
            let before = Request(operation: OperationID().uuid, writer: 1, trials: 2)
            let kept = try process.ask("perform \(before)")
            shim.arm(.flush, after: 1, times: -1)
            let request = Request(operation: OperationID().uuid, writer: 1, trials: 2)
            let answer = try process.ask("perform \(request)")
            #expect(answer.hasPrefix("error outcomeUnknown"), "\(answer)")
            #expect(answer.contains("repeat the write with its operation id"))
            // Whatever is asked now fails, with the reason: a read could show what a crash takes back.
            for command in ["perform \(before)", "put a/b 1", "get marks/\(before.name)", "info", "verify"] {
                let later = try process.ask(command)
                #expect(later.hasPrefix("error outcomeUnknown"), "\(command): \(later)")
            }
            // It still holds the lock, so that nobody else decides meanwhile.
            guard case .locked? = await refusal(.sqlite(place.path)) else {
                Issue.record("another could open it")
                return
            }
            shim.disarm()
            #expect(try process.ask("get a/b").hasPrefix("error outcomeUnknown"))
            #expect(try process.ask("close") == "ok closed")
            #expect(try process.ask("open \(place.path)").hasPrefix("ok"))
            #expect(try process.ask("perform \(before)") == kept)
            let settled = try process.ask("perform \(request)")
            #expect(settled.hasPrefix("ok"))
            #expect(try process.ask("perform \(request)") == settled)
            process.kill()
            let store = try await Metastore.open(.sqlite(place.path))
            #expect(try await store.number("counters/1") == 2)
            #expect(try await store.verify().findings == [])
            await store.close()
        }

        /// Whichever flush or write of opening or making a store fails: a typed error, and nothing lost or half made.
        @Test(arguments: [Fault.flush, .write], [true, false])
        func `while opening is told, and opening again works`(_ fault: Fault, _ isNew: Bool) async throws {
            var failures = 0
            for after in 1...Int32(fault == .flush ? 9 : 30)
            where Scale.factor >= 1 || fault == .flush || after % 4 == 1 {
                let place = try Place()
                let shim = try FaultShim(place)
                let answered = isNew ? [] : try await place.fill(2)
                let process = try CrashProcess("serve", environment: shim.environment)
                shim.arm(fault, after: after, target: .everything)
                let answer = try process.ask("open \(place.path)")
                if shim.hits > 0, !answer.hasPrefix("ok") {
                    failures += 1
                    #expect(
                        answer.hasPrefix("error engine") || answer.hasPrefix("error unusable")
                            || answer.hasPrefix("error schema"), "\(answer)")
                    #expect(answer.contains("Look at the system's log"), "\(answer)")
                }
                shim.disarm()
                if !answer.hasPrefix("ok") { #expect(try process.ask("open \(place.path)").hasPrefix("ok")) }
                #expect(try process.ask("put a/b 1").hasPrefix("ok"))
                process.kill()
                let store = try await Metastore.open(.sqlite(place.path))
                for (request, answer) in answered { #expect(try await store.perform(request) == answer) }
                #expect(try await store.verify().findings == [])
                await store.close()
            }
            #expect(failures > 0)
        }

        @Test(arguments: 1...4 as ClosedRange<Int32>) func `while closing loses nothing`(_ after: Int32) async throws {
            let process = try CrashProcess("serve", environment: shim.environment)
            try process.ask("open \(place.path)")
            try process.ask("put a/b 1")
            shim.arm(.flush, after: after, target: .everything)
            #expect(try process.ask("close") == "ok closed")
            let store = try await Metastore.open(.sqlite(place.path))
            #expect(try await store.number("a/b") == 1)
            #expect(try await store.verify().findings == [])
            await store.close()
        }

        @Test func `in a checkpoint loses nothing`() async throws {
            let process = try CrashProcess("serve", environment: shim.environment)
            try process.ask("open \(place.path)")
            #expect(try process.ask("settle") == "ok")
            shim.arm(.flush, after: 1, times: 3, target: .database)
            var requests: [Request] = []
            for _ in 0..<40 {
                let request = Request(operation: OperationID().uuid, writer: 1, trials: 3)
                let answer = try process.ask("perform \(request)")
                #expect(answer.hasPrefix("ok"), "\(answer)")
                requests.append(request)
            }
            #expect(shim.hits >= 1)
            process.kill()
            let store = try await Metastore.open(.sqlite(place.path))
            for request in requests { #expect(try await store.keyValue.get(EntryKey("marks/\(request.name)")) != nil) }
            #expect(try await store.verify().findings == [])
            await store.close()
        }
    }
}

/// Steers the library that makes system calls fail in a child process.
final class FaultShim {
    enum Target: Int32 { case writeAheadLog, database, everything }

    private let fields: UnsafeMutablePointer<Int32>
    private(set) var environment: [String: String]
    private static let bytes = 4_096

    init(_ place: Place) throws {
        let library = try Self.library.get()
        let control = place.directory + "/faults"
        try write([UInt8](repeating: 0, count: Self.bytes), to: control)
        let descriptor = open(control, O_RDWR)
        defer { close(descriptor) }
        guard descriptor >= 0,
            let mapped = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), mapped != MAP_FAILED
        else { throw Failure("mmap") }
        fields = mapped.bindMemory(to: Int32.self, capacity: 8)
        environment = ["LD_PRELOAD": library, "FAULT_CONTROL": control]
    }

    deinit { munmap(fields, Self.bytes) }

    /// From the n-th matching call on, one fails and `times` more; -1: all.
    func arm(_ fault: Fault, after: Int32, times: Int32 = 0, target: Target = .writeAheadLog, error: Int32 = EIO) {
        fields[4] = error
        fields[6] = target.rawValue
        fields[fault == .flush ? 1 : 3] = times
        fields[fault == .flush ? 0 : 2] = after
    }

    func disarm() {
        fields[0] = 0
        fields[2] = 0
    }

    /// From now on every flush says yes and does nothing.
    func makeFlushesDoNothing() { fields[5] = 1 }

    /// The first flush of a write-ahead log that the device itself fails deletes this file.
    func freeRoom(by filler: String) { environment["FAULT_FILLER"] = filler }

    /// How many calls have failed.
    var hits: Int32 { fields[7] }

    /// Compiled once, beside the binary of the tests.
    private static let library = Result {
        let source = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let target = CrashProcess.directory + "/faultshim.so"
        try run("cc", "-O2", "-shared", "-fPIC", "-o", target, "/\(source)/CrashTest/faultshim.c", "-ldl")
        return target
    }
}

enum Fault: Sendable { case flush, write }
