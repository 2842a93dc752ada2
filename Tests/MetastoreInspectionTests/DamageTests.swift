internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Testing

/// What becomes of a file, by name.
private struct Strike: Sendable {
    let name: String
    let damage: Damage
    /// Pages come from an older copy of the same store rather than from another one.
    var isOlder = false

    static let all: [Strike] =
        Damage.allCases.map { Strike(name: $0.rawValue, damage: $0) }
        + [Strike(name: "5 pages of an older copy", damage: .foreignPages, isOlder: true)]
}

/// What came of all files that were damaged in one way.
private struct Tally {
    var files = 0
    var refused = 0
    var answered = 0
    var withMarks = 0
    var stale = 0
    var wrong = 0
    var verified = 0
    var slowest = 0.0
    /// Files of which plain SQLite showed wrong rows, or not all, and told of no error.
    var plainWrong = 0
    var statuses: [String: Int] = [:]

    var text: String {
        "\(files) files: \(refused) refused, \(answered) answered, \(withMarks) of them with marks, \(stale) with "
            + "older rows, \(verified) verified in full, \(wrong) silently wrong; plain SQLite silently wrong: "
            + "\(plainWrong) files; at most \((slowest * 100).rounded() / 100) s (\(statuses.inWords))"
    }
}

/// Whatever became of its files: an answer is true or marked, or there is a reason why there is none.
@Suite(.serialized, .timed, .timeLimit(.minutes(60))) struct `Asking a damaged store` {
    @Test func `gives no wrong answer without a mark`() async throws {
        try await strike(isCutOff: false)
    }

    /// The newest commits are in the write-ahead log alone; it is damaged, or the database, or both.
    @Test func `gives none where its write-ahead log is damaged, either`() async throws {
        try await strike(isCutOff: true)
    }

    private func strike(isCutOff: Bool) async throws {
        try await withScratch { root in
            let store = try await Undamaged(root, isCutOff: isCutOff)
            let rig = try DamageRig(root, store)
            var random = Seeded("damage \(isCutOff)")
            var tallies: [String: Tally] = [:]
            // Each with two commands.
            for number in 0..<Seeded.count(3_000) {
                let strike = Strike.all[number % Strike.all.count]
                let targets = isCutOff ? [[""], ["-wal"], ["", "-wal"]][number / Strike.all.count % 3] : [""]
                var files = store.files
                var splitMix = SplitMix(state: random.next())
                for target in targets {
                    let other = strike.isOlder ? store.older : store.other
                    files[target] = strike.damage.strike(files[target] ?? [], &splitMix, other: other)
                }
                // Without the note beside it nobody knows what was durable.
                if number % 4 == 3 { files[".head"] = nil }
                let place = targets.map { $0.isEmpty ? "database" : "log" }.joined(separator: " and ")
                let title = "\(strike.name), \(place)"
                try ask(rig, files, number, &random, title, &tallies[strike.name, default: Tally()])
                if tallies[strike.name]!.wrong > 0 { return }
            }
            print("damaged stores\(isCutOff ? " with a write-ahead log" : ""):")
            for (name, tally) in tallies.sorted(by: { $0.key < $1.key }) { print("  \(name): \(tally.text)") }
        }
    }

    private func ask(
        _ rig: DamageRig, _ files: [String: [UInt8]], _ number: Int, _ random: inout Seeded, _ title: String,
        _ tally: inout Tally
    ) throws {
        try rig.lay(files)
        tally.files += 1
        for turn in 0..<2 {
            let command = DamageCommand.inTurn(number * 2 + turn, rig.store, original: rig.original, &random)
            let answer = command.run(rig.path)
            let judgement = try Judgement(command, answer, rig.store, rig.path)
            tally.slowest = max(tally.slowest, answer.seconds)
            #expect(answer.seconds < 50, "\(title), \(command): it took too long")
            #expect(
                judgement.wrong.isEmpty,
                "\(title), number \(number), \(command): \(judgement.wrong.prefix(3)) \(rig.keep(number))")
            tally.wrong += judgement.wrong.count
            tally.stale += judgement.stale > 0 ? 1 : 0
            if let failure = answer.failure {
                tally.refused += 1
                tally.statuses["\(failure.status)", default: 0] += 1
                #expect(Self.statuses.contains(failure.status), "\(title), \(command): \(failure.description)")
                #expect(failure.description.contains(" "), "\(failure.status)")
            } else {
                tally.answered += 1
                tally.withMarks += judgement.marked > 0 ? 1 : 0
                if command == .full, answer.status == .success { tally.verified += 1 }
            }
        }
        if rig.isSilentlyWrongToPlainSQLite(files) { tally.plainWrong += 1 }
    }

    /// What a damaged file may end a command with. Neither a failed device, nor a mistake of whoever typed it.
    private static let statuses: [MetastoreCommandLine.ExitStatus] = [
        .no, .newerSchema, .damaged, .missing, .tryLater,
    ]
}

/// Where damaged files lie.
struct DamageRig {
    let store: Undamaged
    let path: String
    /// The same store, whole.
    let original: String
    private let apart: String
    private let root: String

    init(_ root: String, _ store: Undamaged) throws {
        (self.root, self.store) = (root, store)
        (path, original, apart) = (root + "/damaged.db", root + "/original.db", root + "/apart.db")
        try lay(store.files, at: original)
    }

    func lay(_ files: [String: [UInt8]]) throws { try lay(files, at: path) }

    private func lay(_ files: [String: [UInt8]], at path: String) throws {
        for suffix in ["", "-wal", "-shm", ".head"] {
            unlink(path + suffix)
            if let bytes = files[suffix] { try write(bytes, to: path + suffix) }
        }
    }

    /// Puts files aside that gave a wrong answer, where `METASTORE_TEST_KEEP` says.
    func keep(_ number: Int) -> String {
        guard let place = getenv("METASTORE_TEST_KEEP").map({ String(cString: $0) }) else { return "" }
        for suffix in ["", "-wal", ".head"] {
            if let bytes = try? contents(path + suffix) { try? write(bytes, to: "\(place)/\(number)\(suffix)") }
        }
        return "kept in \(place)"
    }

    /// Rows that differ from those that were there, or are missing, without a word.
    func isSilentlyWrongToPlainSQLite(_ files: [String: [UInt8]]) -> Bool {
        var files = files
        files[".head"] = nil
        guard (try? lay(files, at: apart)) != nil else { return false }
        let found = PlainRows(apart, hasLog: files["-wal"] != nil)
        return !found.hasFailed && found != store.plain
    }
}
