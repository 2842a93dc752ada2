// Invariants
// 1. What can't be read is told and counted, never left out silently; what has another hash than its own is marked.
// 2. Rows are streamed in the order of their keys, or sorted by the database: memory is that of one row.

internal import Metastore
internal import MetastoreEngine
package import MetastoreModel
internal import MetastoreTerminal

/// Which records of a kind to list.
package struct RecordQuery: Sendable {
    package var kind: RecordKind
    /// Only those at or below this part of the key space.
    package var under: KeyPrefix?
    /// Only those in this state, by its name.
    package var state: String?
    /// A column's name, or nil for the order of the keys.
    package var sortBy: String?
    package var isDescending = false
    /// Only those after this one, in the order of the keys.
    package var after: RecordKey?

    package init(_ kind: RecordKind) { self.kind = kind }

    /// Why it can't be asked, and what could.
    package enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        case noState(kind: RecordKind)
        case unknownState(String, kind: RecordKind)
        case unknownColumn(String, kind: RecordKind)
        case sortedAndAfter

        package var description: String {
            switch self {
            case .noState(let kind): "\(kind.name) have no state. Leave --state out."
            case .unknownState(let name, let kind):
                "'\(name)' is no state of \(kind.name). "
                    + Suggestion.sentence(for: name, among: Presentation.codeNames(kind, "state"))
            case .unknownColumn(let name, let kind):
                "'\(name)' is no column of \(kind.name). "
                    + Suggestion.sentence(for: name, among: kind.table.columns.map(\.name))
            case .sortedAndAfter: "--after goes by the order of the keys. Leave --sort-by out."
            }
        }
    }

    fileprivate func statement() throws(Refusal) -> (condition: SQL, order: String?) {
        var condition: SQL = ""
        if let state {
            guard kind.table.columns.contains(where: { $0.name == "state" }) else { throw .noState(kind: kind) }
            guard let code = Presentation.code(kind, "state", named: state) else {
                throw .unknownState(state, kind: kind)
            }
            condition += " AND state = \(code)"
        }
        if let narrowed = under.flatMap({ RecordKey.enclosing($0.text) }) {
            switch narrowed {
            case .experiment(let id) where kind == .experiment: condition += " AND id = \(id.rawValue)"
            case .experiment(let id) where [.trial, .workload, .checkpoint, .snapshot].contains(kind):
                condition += " AND experiment = \(id.rawValue)"
            case .trial(_, let id) where kind == .trial: condition += " AND id = \(id.rawValue)"
            case .trial(_, let id) where [.workload, .checkpoint].contains(kind):
                condition += " AND trial = \(id.rawValue)"
            case .agent(let id) where kind == .slot: condition += " AND agent = \(id)"
            case .task(let id) where [.allocation, .container].contains(kind):
                condition += " AND task = \(id.rawValue)"
            default: break
            }
        }
        guard let sortBy else { return (condition, nil) }
        guard after == nil else { throw .sortedAndAfter }
        guard let column = kind.table.columns.first(where: { $0.name == sortBy }), sortBy != "content" else {
            throw .unknownColumn(sortBy, kind: kind)
        }
        return (condition, column.name + (isDescending ? " DESC" : ""))
    }
}

extension RecordKey {
    /// The experiment, trial, agent or task at or above a place in the key space; nil elsewhere.
    fileprivate static func enclosing(_ path: String) -> RecordKey? {
        var parts = path.split(separator: "/").map(String.init)
        while !parts.isEmpty {
            if let key = RecordKey(path: parts.joined(separator: "/")),
                [.experiment, .trial, .agent, .task].contains(key.kind)
            {
                return key
            }
            parts.removeLast()
        }
        return nil
    }
}

extension Inspection {
    /// What a listing came to.
    package struct Listed: Sendable, Hashable {
        package var shown = 0
        /// Rows that have another hash than their own.
        package var doubtful = 0
        /// Why rows can't be read, each once.
        package var unreadable: [String] = []
        package var unreadableCount = 0
        /// There are more than were asked for.
        package var hasMore = false
        /// So many reasons are kept.
        static let reasons = 10

        /// Nothing yet.
        package init() {}

        /// Takes in what another listing came to.
        package mutating func add(_ other: Listed) {
            shown += other.shown
            doubtful += other.doubtful
            for reason in other.unreadable where unreadable.count < Self.reasons && !unreadable.contains(reason) {
                unreadable.append(reason)
            }
            unreadableCount += other.unreadableCount
        }

        mutating func add(unreadable reason: String) {
            unreadableCount += 1
            if unreadable.count < Self.reasons, !unreadable.contains(reason) { unreadable.append(reason) }
        }
    }

    /// Lends the records that a query is about, until the closure says false, or there are `limit` of them.
    package func list(
        _ query: RecordQuery, limit: Int? = nil, _ body: (RecordView) throws -> Bool
    ) throws -> Listed {
        let (condition, order) = try query.statement()
        var listed = Listed()
        let after = try query.after.map { try store.keyValues($0) ?? [] }
        try store.forEachRow(of: query.kind, after: after, where: condition, orderedBy: order) { read in
            switch read {
            case .unreadable(let reason):
                listed.add(unreadable: reason)
                return true
            case .row(let row):
                if let under = query.under, !under.matches(row.key) { return true }
                if listed.shown == limit ?? .max {
                    listed.hasMore = true
                    return false
                }
                listed.shown += 1
                if !row.isProven { listed.doubtful += 1 }
                return try body(try view(row))
            }
        }
        return listed
    }

    /// The record with a key.
    package func record(_ key: RecordKey) throws -> RecordView? {
        switch try store.row(key) {
        case nil: nil
        case .row(let row): try view(row)
        case .unreadable(let reason): throw StoreError.damaged(place: key.path, reason: reason)
        }
    }

    /// A consumer's position stands beside its record: it moves with every batch it reads, and is not logged.
    private func view(_ row: StoredRow) throws -> RecordView {
        guard case .consumer(let name) = row.key else { return RecordView(row) }
        let position = try connection.first(
            "SELECT position_revision, position_time FROM consumers WHERE name = \(name)"
        ) { row in
            [
                Field("position_revision", .integer(try row.integer(0))),
                Field("position_time", .time(Timestamp(microseconds: try row.timestamp(1)))),
            ]
        }
        return RecordView(RecordView(row), adding: position ?? [])
    }
}
