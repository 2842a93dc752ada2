// Invariants
// 1. What belongs to something comes after it and goes before it, so that no foreign key is ever open: in a transaction
//    a row may have been written before the row it belongs to in the end.
// 2. Derived rows and columns (labels, the order by best metric, summaries, the holders of documents) follow their
//    records here exactly as they do where records are written.

internal import MetastoreEngine
internal import MetastoreModel

/// A change of a log record on its way into this store's rows.
struct ReplayedChange {
    let table: Table
    let key: String
    let before: [Value]?
    let after: [Value]?
    /// It takes back what was replayed before.
    let isUndone: Bool
}

extension WriteSession {
    /// What is belonged to stands before what belongs to it.
    private static let order: [RecordKind] = [
        .document, .experiment, .snapshot, .trial, .workload, .checkpoint, .pool, .agent, .task, .allocation,
        .container, .slot, .port, .instance, .spotRequest, .lease, .keyValue, .consumer, .leadership,
    ]

    /// Applies all changes of one revision.
    func apply(_ changes: [ReplayedChange]) throws(StoreError) {
        try giveUpTags(changes)
        for kind in Self.order {
            for change in changes where change.table.kind == kind && change.after != nil { try put(change) }
        }
        for kind in Self.order.reversed() {
            for change in changes where change.table.kind == kind && change.after == nil { try remove(change) }
        }
    }

    /// A tag may go from one pool to another in one transaction: whoever gives it up does so first.
    private func giveUpTags(_ changes: [ReplayedChange]) throws(StoreError) {
        for change in changes where change.table.kind == .pool && change.before != nil {
            guard let key = change.table.key.first, let name = change.before?[key] else { continue }
            try execute("UPDATE pools SET tag_key = NULL, tag_value = NULL WHERE name = \(name)")
        }
    }

    private func put(_ change: ReplayedChange) throws(StoreError) {
        guard let after = change.after else { return }
        let table = change.table
        let (fields, hash) = encoded(table, change.key, after)
        if let before = change.before {
            try overwrite(change, before, after, hash)
        } else if table.kind == .document {
            try insertDocument(try Document(image: after), hash)
        } else {
            try execute(SQL(trusted: table.insertText, values: after + local(table, after) + [.integer(hash.column)]))
        }
        try followDerived(change, hash, logged: fields.count)
    }

    private func overwrite(
        _ change: ReplayedChange, _ before: [Value], _ after: [Value], _ hash: RowHash
    ) throws(StoreError) {
        let table = change.table
        var set: [String] = []
        var values: [Value] = []
        for index in after.indices where after[index] != before[index] {
            // A document's columns hold more than the log says, and its content never changes.
            if table.kind == .document, index != 0 { continue }
            set.append("\(table.columns[index].name) = \u{1}")
            values.append(after[index])
        }
        if table.kind == .pool {
            for name in ["tag_key", "tag_value"] {
                guard let index = table.columns.firstIndex(where: { $0.name == name }) else { continue }
                guard after[index] == before[index] else { continue }
                set.append("\(name) = \u{1}")
                values.append(after[index])
            }
        }
        set.append("row_hash = \u{1}")
        values.append(.integer(hash.column))
        try change.exactlyOne(
            try execute(
                SQL(trusted: "UPDATE \(table.name) SET \(set.joined(separator: ", "))", values: values)
                    + here(change, before)))
    }

    private func remove(_ change: ReplayedChange) throws(StoreError) {
        guard let before = change.before else { return }
        if change.table.kind == .experiment, let id = change.table.key.first.map({ before[$0] }) {
            try execute("DELETE FROM experiment_labels WHERE experiment = \(id)")
        }
        try change.exactlyOne(
            try execute(SQL(trusted: "DELETE FROM \(change.table.name)") + here(change, before)))
        try followDerived(change, nil, logged: 0)
    }

    /// The row with the change's key, if it is the row that the change was made to.
    private func here(_ change: ReplayedChange, _ before: [Value]) -> SQL {
        let table = change.table
        let conditions = table.key.map { "\(table.columns[$0].name) = \u{1}" } + ["row_hash = \u{1}"]
        let hash = encoded(table, change.key, before).1
        return SQL(
            trusted: " WHERE " + conditions.joined(separator: " AND "),
            values: table.key.map { before[$0] } + [.integer(hash.column)])
    }

    /// What the columns that no log knows begin with.
    private func local(_ table: Table, _ after: [Value]) -> [Value] {
        let columns = table.columns[table.loggedCount...]
        guard table.kind == .leadership, let taken = table.columns.firstIndex(where: { $0.name == "taken_time" }) else {
            return columns.map { _ in .null }
        }
        return columns.map { _ in after[taken] }
    }

    private func insertDocument(_ document: Document, _ hash: RowHash) throws(StoreError) {
        let (encoding, stored) = Compression.compress(document.content)
        try execute(
            """
            INSERT INTO documents (hash, encoding, content, size, created_revision, row_hash, holders) VALUES \
            (\(document.hash.bytes), \(encoding.rawValue), \(stored), \(document.content.count), \
            \(document.createdRevision.rawValue), \(hash.column), 0)
            """)
    }

    /// Digests, labels, the order by best metric, the holders of documents.
    private func followDerived(_ change: ReplayedChange, _ hash: RowHash?, logged: Int) throws(StoreError) {
        let table = change.table
        head.digests.replace(change.before.map { encoded(table, change.key, $0).1 }, by: hash, of: table.kind)
        switch table.kind {
        case .experiment:
            let (before, after) = (
                try change.before.map(as: Experiment.self), try change.after.map(as: Experiment.self)
            )
            if let after, !(before?.labels ?? []).elementsEqual(after.labels, by: { $0.equalsByBytes($1) }) {
                try execute("DELETE FROM experiment_labels WHERE experiment = \(after.id)")
                try keepLabels(after)
            }
            try moveHolders([before?.config, before?.modelDefinition], [after?.config, after?.modelDefinition])
        case .trial:
            guard let after = try change.after.map(as: Trial.self) else { return }
            try keepBestOrder(after, before: try change.before.map(as: Trial.self)?.bestMetric)
        case .workload:
            let (before, after) = (try change.before.map(as: Workload.self), try change.after.map(as: Workload.self))
            try moveHolders([before?.metricsDocument], [after?.metricsDocument])
            if change.isUndone {
                try forgetSummaries([before, after])
            } else {
                try followSummaries(before, after)
            }
        default: return
        }
    }

    private func followSummaries(_ before: Workload?, _ after: Workload?) throws(StoreError) {
        guard let after else {
            if let before { try dropSummaries(of: before.trial) }
            return
        }
        if let before, before.hasSummary {
            if !after.hasSummary { unsummarise(before) }
            return
        }
        guard after.hasSummary else { return }
        if let hash = after.metricsDocument {
            summarise(after, try metrics(hash))
        } else if let metrics = after.metrics {
            summarise(after, metrics)
        }
    }

    /// They are made anew from the workloads that are left, once the transaction has them all.
    private func forgetSummaries(_ workloads: [Workload?]) throws(StoreError) {
        for workload in workloads.compactMap({ $0 }) where workload.hasSummary {
            // Now: the trial's own row may go next.
            try execute("DELETE FROM trial_summaries WHERE trial = \(workload.trial)")
            unsummarise(workload)
        }
    }

    private func moveHolders(_ before: [DocumentHash?], _ after: [DocumentHash?]) throws(StoreError) {
        guard before != after else { return }
        for hash in before.compactMap({ $0 }) {
            try execute("UPDATE documents SET holders = holders - 1 WHERE hash = \(hash.bytes)")
        }
        for hash in after.compactMap({ $0 }) {
            try execute("UPDATE documents SET holders = holders + 1 WHERE hash = \(hash.bytes)")
        }
    }
}

extension ReplayedChange {
    fileprivate func exactlyOne(_ count: Int) throws(StoreError) {
        guard count == 1 else {
            throw .damaged(
                place: key, reason: "its row is not the one that the log's next change was made to: the stores differ")
        }
    }
}

extension [Value]? {
    /// The record of the image, if there is one.
    fileprivate func map<R: StoredRecord>(as type: R.Type) throws(StoreError) -> R? {
        guard let self else { return nil }
        return try R(image: self)
    }
}
