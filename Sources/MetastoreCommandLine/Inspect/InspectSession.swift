// Invariants
// 1. Data goes to the output, everything else to the error stream.
// 2. What is shown was compared with its own hashes; whether it is all there is said not to be known, but by a full
//    check.

internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
package import MetastoreInspection
package import MetastoreModel
package import MetastoreSQLite
package import MetastoreTerminal

/// What every command of the inspector is told.
package struct InspectOptions: Sendable {
    package var store = ""
    package var passwordFile: String?
    package var format = InspectFormat.table
    package var look = PagedTable.Look()
    package var writeAheadLog = FrozenFile.LogChoice.last
    package var at: String?
    /// Whose archive, where there are several; then no store is looked for.
    package var cluster: String?
    /// What reads archives; nil where only stores are read.
    package var archives: (any ArchiveReader)?
    /// Leave out what is only said to people.
    package var isQuiet = false

    package init() {}
}

/// One run of the inspector: a store, opened; the answer goes out as it is found.
package final class InspectSession {
    let options: InspectOptions
    let screen: CommandScreen
    let style: TerminalStyle
    package let inspection: Inspection
    /// What the state was rebuilt from; nil for a store.
    let archive: (any RebuiltArchive)?
    /// The revision that is shown, where it isn't the last.
    private(set) var past: Revision?
    private let output: BufferedOutput
    private var isRunning = false

    package init(_ options: InspectOptions, screen: CommandScreen, output: BufferedOutput) throws {
        self.options = options
        self.screen = screen
        self.output = output
        style = output.style
        (inspection, archive) = try Self.open(options.store, options, screen)
        tell(inspection.notices)
        switch inspection.verdict {
        case .clean, .live, .archived: break
        case .notClosedCleanly, .damaged: tell(["\(inspection.verdict)"])
        }
    }

    /// Runs a command: all it reads is of one state, that of `--at` where it is asked for.
    ///
    /// - Throws: what the command throws; where somebody changed files at rest meanwhile, or a store in use was read
    ///   for too long, that.
    package func run<Result>(_ command: (InspectSession) throws -> Result) throws -> Result {
        guard !isRunning else { return try command(self) }
        isRunning = true
        defer { isRunning = false }
        do {
            return try inspection.read {
                try goBack()
                return try command(self)
            }
        } catch let error as EngineError {
            throw damage(error) ?? error
        } catch StoreError.engine(let error) {
            throw damage(error) ?? StoreError.engine(error)
        }
    }

    /// The inspector's own statements fit a store's tables: one that doesn't has met others. What somebody typed
    /// is told before it comes here.
    private func damage(_ error: EngineError) -> (any Error)? {
        guard error.code == .misuse || error.code == .tooBig else { return nil }
        return StoreError.damaged(
            place: inspection.place, reason: "its tables are not those of a store (\(error.message)); see salvage")
    }

    /// A state of the past is made anew for each command: of a store in use it ends with the read.
    private func goBack() throws {
        if let archive {
            past = archive.past
            return
        }
        guard let at = options.at else { return }
        guard let moment = Moment(at) else {
            throw CommandFailure(
                .usage, "--at '\(at)' is neither a revision nor a time. Write 1234, or 2026-11-21T03:00:00Z.")
        }
        past = try inspection.showPast(at: moment) { [screen] done, total in
            screen.show("going back", done, total, "revisions")
        }
        screen.clear()
    }

    private static func open(
        _ place: String, _ options: InspectOptions, _ screen: CommandScreen
    ) throws -> (Inspection, (any RebuiltArchive)?) {
        guard let reader = options.archives, case .sqlite(let path) = try StoreURL(place).place else {
            return (try open(place, options), nil)
        }
        let found = StoreFinder.find(at: path)
        guard let archive = try options.archive(at: path, found) else {
            return (try Inspection.open(found, at: path, wal: options.writeAheadLog), nil)
        }
        guard options.writeAheadLog == .last else {
            throw CommandFailure(.usage, "--wal is about a file's write-ahead log; \(archive.path) is an archive.")
        }
        let rebuilt = try reader.open(archive, at: options.at, screen: screen)
        return (rebuilt.inspection, rebuilt)
    }

    /// A store.
    static func open(_ place: String, _ options: InspectOptions) throws -> Inspection {
        let url = try StoreURL(place)
        switch url.place {
        case .sqlite(let path): return try Inspection.open(path: path, wal: options.writeAheadLog)
        case .postgresql:
            guard options.writeAheadLog == .last else {
                throw CommandFailure(.usage, "--wal is about a file's write-ahead log; \(url) is a server's store.")
            }
            return try Inspection.open(server: try url.source(Password(file: options.passwordFile)))
        }
    }

    package func write(_ text: String) { output.write(text) }

    /// What was written goes out.
    package func flush() { output.flush() }

    func tell(_ notices: [String]) {
        guard !options.isQuiet else { return }
        output.flush()
        for notice in notices { screen.say("note: \(notice)") }
    }

    /// What a quick command can't know.
    func tellCompleteness(_ listed: Inspection.Listed? = nil) {
        if let listed {
            if listed.doubtful > 0 { tellDoubtful(listed.doubtful) }
            for reason in listed.unreadable { screen.say("warning: a row can't be read: \(reason)") }
            if listed.unreadableCount > 0 {
                screen.say("warning: \(Shown.count(listed.unreadableCount, "row")) left out that can't be read.")
            }
        }
        tell(["each row was compared with its own hash; whether all rows are there was not looked at (check --full)"])
    }

    func tellDoubtful(_ count: Int) {
        screen.say(
            "warning: \(Shown.count(count, "row")) with another hash than its own: damaged, or changed behind the "
                + "store's back. Marked as doubtful.")
    }

    /// What JSON answers begin with.
    func head(verified: String = "rows") throws -> [(String, String)] {
        let summary = try inspection.store.summary()
        return [
            ("store", JSON.quoted(inspection.place)), ("revision", String(summary.revision.rawValue)),
            ("verdict", JSON.quoted(inspection.verdict.word)), ("verified", JSON.quoted(verified)),
        ]
    }

    /// One object, in the format that was asked for.
    func answer(_ json: String, _ lines: () -> [String]) throws {
        write(try options.format.text(json, lines))
    }

    func list(_ name: String, titles: [String], verified: String = "rows") throws -> ListPrinter {
        ListPrinter(
            options.format, named: name, head: try head(verified: verified),
            titles: options.look.hasHeaders ? titles : [], write: write)
    }

    /// A key as it is typed; `experiments/1/` means the same as without its last slash.
    package func key(_ text: String) throws -> RecordKey {
        let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
        if let key = RecordKey(path: trimmed) { return key }
        // `trial 20`, `trials/20`: an id is unique in its kind.
        if let key = try keyById(trimmed) { return key }
        let root = String(trimmed.prefix { $0 != "/" })
        let roots = RecordKind.allCases.map(\.name)
        let advice =
            roots.contains(root)
            ? "Keys look like experiments/1/trials/3." : Suggestion.sentence(for: root, among: roots)
        throw CommandFailure(
            .usage, "'\(text)' is no key. \(advice)"
        )
    }

    private func keyById(_ text: String) throws -> RecordKey? {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let kind = RecordKind(word: String(parts[0])) else { return nil }
        var found: RecordKey?
        let condition: SQL
        if kind == .checkpoint {
            guard let uuid = UUID(uuidString: String(parts[1])) else { return nil }
            condition = " AND uuid = \(uuid)"
        } else {
            guard [.trial, .workload, .allocation, .container].contains(kind), let id = Int64(parts[1]) else {
                return nil
            }
            condition = " AND id = \(id)"
        }
        try inspection.store.forEachRow(of: kind, where: condition) { read in
            if case .row(let row) = read { found = row.key }
            return false
        }
        if found == nil { throw CommandFailure(.no, "\(text): there is no such record at the revision that is shown.") }
        return found
    }
}

extension Verdict {
    /// For programs.
    var word: String {
        switch self {
        case .clean: "clean"
        case .notClosedCleanly: "not closed cleanly"
        case .live: "live"
        case .archived: "archived"
        case .damaged: "damaged"
        }
    }
}

extension RecordKind {
    /// By its name, also in the singular and with other spellings: `trial`, `trials`, `experiment`, `kv`.
    package init?(word: String) {
        let word = word.lowercased().replacing("_", with: "-")
        let found = RecordKind.allCases.first { kind in
            kind != .cluster && (kind.name == word || kind.name == word + "s" || kind.name.dropLast() == word)
        }
        guard let found = found ?? Self.others[word] else { return nil }
        self = found
    }

    private static let others: [String: RecordKind] = [
        "key-value": .keyValue, "key-values": .keyValue, "entries": .keyValue, "spot": .spotRequest,
        "leader": .leadership,
        "exp": .experiment, "e": .experiment, "t": .trial, "w": .workload, "c": .checkpoint,
    ]
}

/// Standard output in pieces worth a system call.
package final class BufferedOutput {
    package let style: TerminalStyle
    private var buffer = ""
    private let sink: (String) -> Void

    package init(
        _ style: TerminalStyle = StandardStream.output.style,
        sink: @escaping (String) -> Void = { StandardStream.output.write($0) }
    ) {
        self.style = style
        self.sink = sink
    }

    package func write(_ text: String) {
        buffer += text
        if buffer.utf8.count > 64 << 10 { flush() }
    }

    package func flush() {
        guard !buffer.isEmpty else { return }
        sink(buffer)
        buffer = ""
    }
}
