internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MigrateSupport
internal import Testing

/// A command on a store of a kind; a copy goes to one of another, or of the same.
struct Run: CaseIterable, Hashable, Sendable, CustomStringConvertible {
    let command: Victim.Command
    let kind: Kind
    let target: Kind

    static let allCases = Victim.Command.allCases.flatMap { command in
        Kind.allCases.flatMap { kind in
            (command == .copy ? Kind.allCases : [kind]).map { Run(command: command, kind: kind, target: $0) }
        }
    }
    static let up = Run(command: .up, kind: .file, target: .file)
    static let rollback = Run(command: .rollback, kind: .file, target: .file)
    var description: String { command == .copy ? "copy of a \(kind) to a \(target)" : "\(command) of a \(kind)" }

    /// How often a full run kills it; copies are of four kinds.
    var rounds: Int {
        switch command {
        case .up, .rollback: 50
        case .copy, .rehearse: 25
        }
    }

    func makeTarget() async throws -> Rig? {
        command == .copy && target != .file ? try await Rig(target) : nil
    }
}

/// The commands as processes, killed.
@Suite(.serialized, .timed) struct `metastore-migrate killed` {
    /// All of them in a full run; in a short one the beginning or the end of a step, where there are steps.
    private func chosen(_ lines: [Substring]) -> [Int] {
        guard Scale.factor < 1 else { return Array(lines.indices) }
        var random = Scale.random(78)
        let steps = lines.indices.filter { lines[$0].hasPrefix("step ") || lines[$0].hasPrefix("backup: /") }
        return [(steps.isEmpty ? Array(lines.indices) : steps).randomElement(using: &random)].compactMap { $0 }
    }

    @Test(arguments: Run.allCases)
    func `at each boundary of its work is finished by the next run`(_ run: Run) async throws {
        let original = try await Victim.Original(run.command, run.kind, rows: 30)
        // The last line says that it has ended.
        let undisturbed = try Victim(original, copyingTo: try await run.makeTarget())
        let ending = try undisturbed.start("all").end()
        let lines = ending.lines.dropLast()
        #expect(ending.code == 0 && lines.count >= 3, "\(run): \(ending.output)")
        for boundary in chosen(Array(lines)) {
            let victim = try Victim(original, copyingTo: try await run.makeTarget())
            let process = try victim.start("stop:\(boundary + 1)")
            process.awaitStop()
            #expect(process.endNow() == .within)
            let context = "\(run) after \(lines[boundary])"
            try await victim.look(context)
            try await victim.finish(context)
        }
    }

    /// But a rehearsal, which changes nothing that stays.
    @Test(arguments: Run.allCases.filter { $0.command != .rehearse })
    func `at any moment is finished by the next run`(_ run: Run) async throws {
        let original = try await Victim.Original(run.command, run.kind, rows: 60 + Scale.of(600))
        let undisturbed = try Victim(original, copyingTo: try await run.makeTarget())
        let began = ContinuousClock.now
        #expect(try undisturbed.start().end().code == 0)
        let span = ContinuousClock.now - began
        var random = Scale.random(77)
        var moments: [String: Int] = [:]
        for round in 0..<Scale.of(run.rounds) {
            let victim = try Victim(original, copyingTo: try await run.makeTarget())
            let process = try victim.start()
            usleep(UInt32.random(in: 0...UInt32(span.inMilliseconds * 1_200), using: &random))
            let moment = process.endNow()
            moments[moment.rawValue, default: 0] += 1
            let context = "\(run), round \(round), killed \(moment)"
            try await victim.look(context)
            try await victim.finish(context)
        }
        print("\(run) takes \(span.inMilliseconds) ms; kills: \(moments.inWords)")
    }

    private static let calls = ["renameat2", "rename", "unlink", "fsync", "fdatasync"]

    /// Every call that changes a name or makes one durable is one at which a run may end. A short run tries
    /// all of a rollback's that change a name, and a few others of files.
    @Test(arguments: Run.allCases.filter { $0.command != .copy && ($0 == .rollback || $0 == .up || Scale.factor >= 1) })
    func `before a system call that matters is finished by the next run`(_ run: Run) async throws {
        let original = try await Victim.Original(run.command, run.kind, rows: 30)
        let lines = try Victim(original).traced(Self.calls)
        var random = Scale.random(79)
        var (kills, halfRestored) = (0, 0)
        for call in Self.calls {
            let count = lines.count { $0.contains(" \(call)(") }
            let chosen = run.command == .rollback && call.contains("name") ? count : Scale.of(count)
            for number in (1..<count + 1).shuffled(using: &random).prefix(chosen).sorted() {
                let victim = try Victim(original)
                let ending = try victim.trace([call], ["-e", "inject=\(call):signal=KILL:when=\(number)"]).end()
                // The calls of each thread are counted for themselves; what a server is asked has a thread of its own.
                guard ending.code == 128 + SIGKILL else {
                    #expect(run.kind != .file && ending.code == 0)
                    continue
                }
                kills += 1
                let context = "\(run) killed at \(call) \(number) of \(count)"
                if try await victim.look(context) { halfRestored += 1 }
                try await victim.finish(context)
            }
        }
        print("\(run) killed at \(kills) of \(lines.count) system calls")
        // What a run on a server changes is the server's: such a call there isn't made by every run.
        #expect(kills > 0 || run.kind == .server)
        if run == .rollback { #expect(halfRestored > 0) }
    }

    /// A run that was killed between the two left the note of a copy beside no copy. The next one made its own there,
    /// and took that for a store that had lost commits.
    @Test(arguments: Run.allCases.filter { $0.command == .up || ($0.command == .rehearse && $0.kind == .file) })
    func `while it removes a copy, or names it, has removed the note beside it before`(_ run: Run) async throws {
        let original = try await Victim.Original(run.command, run.kind, rows: 30)
        let lines = try Victim(original).traced(["unlink", "renameat2"])
        let copy = run.command == .up ? "unfinished-backup.db" : "rehearsal.db"
        let note = try #require(lines.lastIndex { $0.contains("\(copy).head\"") })
        let last = try #require(lines.lastIndex { $0.contains("\(copy)\"") })
        #expect(note < last, "\(lines)")
    }
}
