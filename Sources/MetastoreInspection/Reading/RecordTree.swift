internal import Metastore
internal import MetastoreEngine
package import MetastoreModel

/// A record and what is below it in the key space.
package struct RecordTree: Sendable {
    package let record: RecordView
    package var children: [RecordTree] = []
    /// Kinds of children that are only counted here: how many there are of each.
    package var counted: [(kind: RecordKind, count: Int)] = []
    /// So many rows right below it can't be read, and why, each once.
    package var unreadableCount = 0
    package var unreadable: Set<String> = []
}

extension RecordTree {
    /// How much of it, and of all below it, is doubtful or can't be read.
    package var listed: Inspection.Listed {
        var listed = Inspection.Listed()
        add(to: &listed)
        return listed
    }

    private func add(to listed: inout Inspection.Listed) {
        listed.shown += 1
        if !record.isProven { listed.doubtful += 1 }
        listed.unreadableCount += unreadableCount
        for reason in unreadable.sorted() where listed.unreadable.count < Inspection.Listed.reasons {
            if !listed.unreadable.contains(reason) { listed.unreadable.append(reason) }
        }
        for child in children { child.add(to: &listed) }
    }
}

extension Inspection {
    /// The record with a key and all below it; workloads are counted, trials and the like each shown.
    ///
    /// - Parameters:
    ///   - all: show workloads one by one, too.
    ///   - limit: of children of one kind below one record; the others are counted.
    package func tree(_ key: RecordKey, all: Bool = false, limit: Int = 1_000) throws -> RecordTree? {
        guard let record = try record(key) else { return nil }
        var tree = RecordTree(record: record)
        for (kind, condition) in Self.children(of: key) {
            if kind == .workload, !all {
                let count = Int(try store.count(of: kind, where: condition))
                if count > 0 { tree.counted.append((kind, count)) }
                continue
            }
            var keys: [RecordKey] = []
            var count = 0
            try store.forEachRow(of: kind, where: condition) { read in
                switch read {
                case .row(let row):
                    if keys.count < limit { keys.append(row.key) }
                    count += 1
                case .unreadable(let reason):
                    tree.unreadableCount += 1
                    if tree.unreadable.count < Listed.reasons { tree.unreadable.insert(reason) }
                }
                return true
            }
            for key in keys {
                if let child = try self.tree(key, all: all, limit: limit) { tree.children.append(child) }
            }
            if count > keys.count { tree.counted.append((kind, count - keys.count)) }
        }
        return tree
    }

    private static func children(of key: RecordKey) -> [(RecordKind, SQL)] {
        switch key {
        case .experiment(let id):
            [
                (.snapshot, " AND experiment = \(id.rawValue)"), (.trial, " AND experiment = \(id.rawValue)"),
            ]
        case .trial(_, let id):
            [
                (.workload, " AND trial = \(id.rawValue)"), (.checkpoint, " AND trial = \(id.rawValue)"),
                (.task, " AND trial = \(id.rawValue)"),
            ]
        case .pool(let name): [(.agent, " AND pool = \(name)"), (.instance, " AND pool = \(name)")]
        case .agent(let id): [(.slot, " AND agent = \(id)")]
        case .task(let id): [(.allocation, " AND task = \(id.rawValue)")]
        case .allocation(_, let id):
            [(.container, " AND allocation = \(id.rawValue)"), (.port, " AND allocation = \(id.rawValue)")]
        default: []
        }
    }
}
