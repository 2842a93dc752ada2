internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel

/// What an answer about a damaged store is worth, held against the store as it was.
struct Judgement {
    /// Lines that say what never was, and aren't marked.
    var wrong: [String] = []
    /// Marked as doubtful, or told to be unreadable.
    var marked = 0
    /// Right once, in this store or in the one that pages came from, and not what stood there at last.
    var stale = 0

    /// - Parameter path: where the damaged files lie.
    init(_ command: DamageCommand, _ answer: DamageCommand.Answer, _ store: Undamaged, _ path: String) throws {
        if answer.errors.contains("warning:") { marked += 1 }
        switch command {
        case .info where answer.failure == nil: try judgeInfo(answer, store)
        case .full where answer.failure == nil: try judgeFull(answer, store, path)
        case .log: wrong += answer.lines.filter { !store.log.contains($0) }
        case .history: wrong += store.untrue(answer.lines, of: command)
        case .metrics:
            let plain = answer.lines.filter { !$0.contains("\"doubtful\":true") }
            marked += answer.lines.count - plain.count
            wrong += store.untrue(plain, of: command)
        case .export:
            for line in answer.lines {
                guard let record = try JSONObject(parsing: line).values["record"]?.object else { continue }
                try judge(record, store)
            }
        case .list, .past: for line in answer.lines { try judge(try JSONObject(parsing: line).values, store) }
        case .describe:
            for line in answer.lines {
                guard let record = try JSONObject(parsing: line).values["record"]?.object else { continue }
                try judge(record, store)
            }
        case .tree:
            for line in answer.lines {
                guard let tree = try JSONObject(parsing: line).values["tree"]?.object else { continue }
                judgeTree(tree, store)
            }
        case .diff: for line in answer.lines { judgeDifference(try JSONObject(parsing: line).values, store) }
        case .info, .full, .quick, .sql, .report: break
        }
    }

    private mutating func judge(_ record: NamedValues<JSON>, _ store: Undamaged) throws {
        if record["doubtful"] == .bool(true) {
            marked += 1
            return
        }
        let found = try Undamaged.canonical(record).text
        if store.latest.contains(found) { return }
        if store.known.contains(found) { stale += 1 } else { wrong.append(found) }
    }

    /// A state, or a name, that the record had at some time.
    private mutating func judgeTree(_ tree: NamedValues<JSON>, _ store: Undamaged) {
        for child in tree["children"]?.array ?? [] { if let child = child.object { judgeTree(child, store) } }
        if tree["unreadable"] != nil { marked += 1 }
        if tree["doubtful"] == .bool(true) {
            marked += 1
            return
        }
        let versions = store.versions[tree["key"]?.string ?? ""] ?? []
        let isTrue = versions.contains { version in
            ["state", "name", "kind"].allSatisfy { tree[$0] == nil || tree[$0] == version.values[$0] }
        }
        if !isTrue { wrong.append("tree: \(tree["key"]?.string ?? "")") }
    }

    /// What differs stood in the record at some time.
    private mutating func judgeDifference(_ difference: NamedValues<JSON>, _ store: Undamaged) {
        if difference["doubtful"] == .bool(true) {
            marked += 1
            return
        }
        let versions = store.versions[difference["key"]?.string ?? ""] ?? []
        for (name, change) in difference["fields"]?.object ?? NamedValues([]) {
            guard let before = change.object?["before"], before != .null else { continue }
            if !versions.contains(where: { $0.values[name] == before }) {
                wrong.append("difference: \(difference["key"]?.string ?? "") \(name)")
            }
        }
        stale += 1
    }

    private mutating func judgeInfo(_ answer: DamageCommand.Answer, _ store: Undamaged) throws {
        let info = try JSONObject(parsing: answer.output).values
        if info["verdict"] == .string("damaged") {
            marked += 1
            return
        }
        guard case .integer(let revision)? = info["revision"], let truth = store.infos[Revision(rawValue: revision)]
        else {
            wrong.append(answer.output)
            return
        }
        var names = ["cluster", "epoch", "time", "lastActor", "leader"]
        if info["leaderDoubtful"] == .bool(true) {
            marked += 1
            names.removeLast()
        }
        // Of a leader's row, too, an older version proves itself.
        for name in names where info[name] != truth.values[name] && name != "leader" {
            wrong.append("\(name): \(answer.output)")
        }
    }

    /// Without findings every record is there, and as it was at the revision that is shown.
    private mutating func judgeFull(_ answer: DamageCommand.Answer, _ store: Undamaged, _ path: String) throws {
        let check = try JSONObject(parsing: answer.output).values
        guard answer.status == .success || check["verified"] == .string("full") else {
            marked += 1
            return
        }
        guard case .integer(let revision)? = check["revision"], let truth = store.states[Revision(rawValue: revision)]
        else { return wrong.append(answer.output) }
        let found = try Undamaged.records(try Inspection.open(path: path))
        for (key, record) in found {
            let proven = try truth[key].map { try Undamaged.canonical($0) }
            if proven != (try Undamaged.canonical(record)) { wrong.append("\(key): \(record)") }
        }
        for key in truth.keys where found[key] == nil { wrong.append("\(key) is missing, and nothing was found") }
    }
}
