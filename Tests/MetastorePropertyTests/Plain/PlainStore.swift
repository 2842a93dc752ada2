import FoundationEssentials

/// DOMAIN in memory: what a store must answer, told once more without one.
struct PlainStore {
    var births = 0
    var next: [String: Int64] = [:]
    var experiments: [Int64: PlainExperiment] = [:]
    var trials: [Int64: PlainTrial] = [:]
    var workloads: [Int64: PlainWorkload] = [:]
    var checkpoints: [UUID: PlainCheckpoint] = [:]
    var snapshots: [Int64: PlainSnapshot] = [:]
    var pools: [String: PlainPool] = [:]
    var agents: [String: PlainAgent] = [:]
    var slots: [String: PlainSlot] = [:]
    var tasks: [Int64: PlainTask] = [:]
    var allocations: [Int64: PlainAllocation] = [:]
    var containers: [Int64: PlainContainer] = [:]
    var ports: [String: PlainPort] = [:]
    var instances: [String: PlainInstance] = [:]
    var spotRequests: [String: PlainSpotRequest] = [:]
    var entries: [String: PlainEntry] = [:]
    var leases: [Int64: PlainLease] = [:]

    mutating func birth() -> Int {
        births += 1
        return births
    }

    mutating func id(_ counter: String) -> Int64 {
        next[counter, default: 0] += 1
        return next[counter]!
    }

    /// Every record but the documents, by key.
    var rows: [String: any PlainRow] {
        var rows: [String: any PlainRow] = [:]
        func add(_ some: some Sequence<any PlainRow>) { for row in some { rows[row.path] = row } }
        add(experiments.values.map { $0 })
        add(trials.values.map { $0 })
        add(workloads.values.map { $0 })
        add(checkpoints.values.map { $0 })
        add(snapshots.values.map { $0 })
        add(pools.values.map { $0 })
        add(agents.values.map { $0 })
        add(slots.values.map { $0 })
        add(tasks.values.map { $0 })
        add(allocations.values.map { $0 })
        add(containers.values.map { $0 })
        add(ports.values.map { $0 })
        add(instances.values.map { $0 })
        add(spotRequests.values.map { $0 })
        add(entries.values.map { $0 })
        add(leases.values.map { $0 })
        return rows
    }

    /// Throws what a store throws for a transition that DOMAIN doesn't list.
    func check(
        _ path: String, _ from: String, _ to: String, _ table: [String: [String]], also: [String] = []
    ) throws(Refusal) {
        let allowed = table[from, default: []]
        guard from != to, !allowed.contains(to), !also.contains(to) else { return }
        throw Refusal("transition \(path) \(from) \(to) \((also + allowed).joined(separator: " "))")
    }
}

/// The plain store with its history: which revision each record was made and last changed in.
struct PlainHistory {
    private(set) var store = PlainStore()
    private(set) var revision: Int64
    private var marks: [String: (created: Int64, revision: Int64)] = [:]
    /// What each revision changed: key → the lines before and after.
    private(set) var commits: [Int64: [String: (before: String?, after: String?)]] = [:]

    init(after revision: Int64) { self.revision = revision }

    /// One closure: all of it, or nothing when it throws.
    mutating func commit<Value>(_ body: (inout Draft) throws(Refusal) -> Value) throws(Refusal) -> Value {
        var draft = Draft(store: store, base: self)
        let value = try body(&draft)
        let (before, after) = (store.rows, draft.store.rows)
        var changed: [String: (before: String?, after: String?)] = [:]
        for path in Set(before.keys).union(after.keys) where !Self.isSame(before[path], after[path]) {
            let line = before[path].map { self.line($0) }
            if let row = after[path] {
                let isNew = before[path]?.birth != row.birth
                marks[path] = (isNew ? revision + 1 : marks[path]!.created, revision + 1)
            } else {
                marks[path] = nil
            }
            changed[path] = (line, nil)
        }
        for path in changed.keys { changed[path]!.after = after[path].map { line($0) } }
        // An id that was taken is spent, and told of.
        let isSpent = draft.store.next != store.next
        store = draft.store
        if !changed.isEmpty || isSpent {
            revision += 1
            commits[revision] = changed
        }
        return value
    }

    fileprivate static func isSame(_ left: (any PlainRow)?, _ right: (any PlainRow)?) -> Bool {
        // By bytes: both spellings of "é" are one text to Swift, and two to a store.
        left?.birth == right?.birth && left.map { Array($0.fields.utf8) } == right.map { Array($0.fields.utf8) }
    }

    func line(_ row: any PlainRow) -> String {
        let mark = marks[row.path] ?? (0, 0)
        return "\(row.path): \(row.fields) created \(mark.created) at \(mark.revision)"
    }

    /// The revision of a record that is there.
    func revision(of path: String) -> Int64 { marks[path]?.revision ?? 0 }

    func created(_ path: String) -> Int64 { marks[path]?.created ?? 0 }

    /// Another revision passed that this model knows nothing of.
    mutating func skipRevision() { revision += 1 }

    /// Lines of all records.
    var lines: [String: String] { store.rows.mapValues { line($0) } }

    /// A closure under way: what it has changed so far carries the revision it will commit as.
    struct Draft {
        var store: PlainStore
        fileprivate let base: PlainHistory

        func line(_ path: String) -> String {
            guard let row = store.rows[path] else { return "\(path) is missing" }
            let mark = mark(row)
            return "\(row.path): \(row.fields) created \(mark.created) at \(mark.revision)"
        }

        func revision(of path: String) -> Int64 { store.rows[path].map { mark($0).revision } ?? 0 }

        private func mark(_ row: any PlainRow) -> (created: Int64, revision: Int64) {
            let before = base.store.rows[row.path]
            if PlainHistory.isSame(before, row) { return base.marks[row.path] ?? (0, 0) }
            if before?.birth == row.birth { return (base.marks[row.path]!.created, base.revision + 1) }
            return (base.revision + 1, base.revision + 1)
        }
    }
}
