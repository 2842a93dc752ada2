// Invariants
// 1. A record counts when its link follows from the link of the record before it, which covers header and body. The
//    first record after a hole is not proven; its link is what the next one follows from.
// 2. A stretch of records counts when something else than itself ties it to this store: the head row, the note, the
//    genesis, or the epoch's 64 random bits in another one that is tied to it.
// 3. The head row is one page, which may be another store's: it counts unless the note, or more of the log than it has
//    on its side, agrees with the table of epochs on another one.

internal import FoundationEssentials
internal import MetastoreEngine
package import MetastoreModel

/// What the chain proves of the log that was found.
package struct SalvagedLog: Sendable {
    /// Records that follow from one another.
    package struct Stretch: Sendable, Hashable, Encodable {
        /// The first and the last record that is proven.
        package let first: Revision
        package let last: Revision
        /// Tied to this store.
        package fileprivate(set) var isOurs: Bool
        /// From whose genesis its first record follows; nil for one that follows from another record.
        fileprivate let cluster: UUID?
        fileprivate let chain: [UInt8]
        fileprivate let epochs: Set<Epoch>

        private enum CodingKeys: CodingKey { case first, last, isOurs }

        func covers(_ revision: Int64) -> Bool { (first.rawValue...last.rawValue).contains(revision) }

        /// It leads to this head, or goes on after what was compacted there.
        fileprivate func isAt(_ head: Head) -> Bool {
            if head.revision == last && head.chain == chain { return true }
            guard head.compactedRevision.rawValue == first.rawValue - 1 else { return false }
            return head.compactedRevision > .absent || head.cluster == cluster
        }
    }

    package var found = 0
    package var proven = 0
    package var stretches: [Stretch] = []

    init() {}

    /// Whether what happened at this revision is known.
    func covers(_ revision: Int64) -> Bool { stretches.contains { $0.isOurs && $0.covers(revision) } }

    /// Whether there was a record of this revision, and it is lost: it stands between two that are there.
    func lacks(_ revision: Int64) -> Bool {
        guard let first = stretches.first(where: \.isOurs), let tail else { return false }
        return (first.first.rawValue..<tail.last.rawValue).contains(revision) && !covers(revision)
    }

    /// The last stretch of this store.
    var tail: Stretch? { stretches.last { $0.isOurs } }
}

/// Puts stretches together, record by record.
private struct ChainWalk {
    let heads: [Head]
    var log = SalvagedLog()
    private var last: (revision: Int64, chain: [UInt8])?
    private var first: Int64?
    private var cluster: UUID?
    private var epochs: Set<Epoch> = []

    init(heads: [Head]) { self.heads = heads }

    /// What comes before a record, if that is known, and whose genesis it is.
    private func before(_ record: LogRecord, cluster: UUID?) -> [(chain: [UInt8], cluster: UUID?)] {
        let revision = record.revision.rawValue
        guard revision != 1 else {
            var clusters = heads.map(\.cluster) + [cluster].compactMap(\.self)
            // Nothing else says which store it is: the first record does.
            if clusters.isEmpty, let own = try? record.toldCluster() { clusters = [own] }
            return clusters.map { (LogRecord.genesis(cluster: $0), $0) }
        }
        var known: [[UInt8]] = []
        if let last, last.revision == revision - 1 { known.append(last.chain) }
        for head in heads where head.compactedRevision.rawValue == revision - 1 { known.append(head.compactedChain) }
        return known.map { ($0, nil) }
    }

    /// - Parameter candidates: the records there are of the next revision.
    /// - Returns: which of them is kept.
    mutating func take(_ candidates: [LogRecord], cluster: UUID?) -> Int {
        log.found += 1
        for (index, record) in candidates.enumerated() {
            let known = before(record, cluster: cluster)
            guard let link = known.first(where: { record.link(after: $0.chain) == record.chain }) else { continue }
            if let last, last.revision == record.revision.rawValue - 1, record.link(after: last.chain) != record.chain {
                end()
            } else if last?.revision != record.revision.rawValue - 1 {
                end()
            }
            log.proven += 1
            if first == nil { (first, self.cluster) = (record.revision.rawValue, link.cluster) }
            epochs.insert(record.epoch)
            last = (record.revision.rawValue, record.chain)
            return index
        }
        end()
        last = candidates.first.map { ($0.revision.rawValue, $0.chain) }
        return 0
    }

    mutating func end() {
        if let first, let last {
            log.stretches.append(
                SalvagedLog.Stretch(
                    first: Revision(rawValue: first), last: Revision(rawValue: last.revision), isOurs: false,
                    cluster: cluster, chain: last.chain, epochs: epochs))
        }
        (first, last, cluster, epochs) = (nil, nil, nil, [])
    }
}

extension SalvageTarget {
    /// Finds out which records the chain proves, and takes the others out of the log. Disowns a head row that is
    /// another store's.
    func proveLog(note: HeadNote?) throws -> SalvagedLog {
        var log = try walkLog(note)
        if try isHeadForeign(log, note) {
            heads = []
            log = try walkLog(note)
        }
        log.tie(heads: heads, note: note)
        return log
    }

    private func isHeadForeign(_ log: SalvagedLog, _ note: HeadNote?) throws -> Bool {
        guard !heads.isEmpty, !heads.contains(where: { $0.cluster == note?.cluster }) else { return false }
        let epochs = try connection.all("SELECT epoch, epoch_nonce FROM epochs") { row in
            Epoch(number: try row.integer(0), nonce: UInt64(bitPattern: try row.integer(1)))
        }
        guard !heads.contains(where: { epochs.contains($0.epoch) }) else { return false }
        let (head, table) = (log.records(of: heads), log.records(of: epochs))
        return table > head || table == head && note != nil
    }

    private func walkLog(_ note: HeadNote?) throws -> SalvagedLog {
        var walk = ChainWalk(heads: heads)
        try forEachLogRow { row in
            guard case .integer(let revision) = row[0] else { return }
            var rows = [row] + (alternatives[revision] ?? [])
            var records: [LogRecord] = []
            rows.removeAll { row in
                guard let record = try? LogRecord(values: row, place: "the log") else { return true }
                records.append(record)
                return false
            }
            guard !records.isEmpty else { return try dropLog(revision) }
            let chosen = walk.take(records, cluster: note?.cluster)
            if rows[chosen] != row {
                try dropLog(revision)
                try connection.execute(LogRecord.insertion(of: rows[chosen]))
            }
        }
        walk.end()
        return walk.log
    }

    private func dropLog(_ revision: Int64) throws {
        try connection.execute("DELETE FROM log WHERE revision = \(revision)")
    }

    /// A page of rows at a time: they may be changed meanwhile.
    func forEachLogRow(from first: Int64 = 0, _ body: ([Value]) throws -> Void) throws {
        guard let table = tables.first(where: { $0.name == "log" }) else { return }
        var last = first - 1
        while true {
            let rows = try connection.all(
                SQL(trusted: table.selectText) + " WHERE revision > \(last) ORDER BY revision LIMIT 100"
            ) { row in try table.copied.values(row) }
            for row in rows { try body(row) }
            guard case .integer(let revision)? = rows.last?[0] else { return }
            last = revision
        }
    }
}

extension LogRecord {
    /// The store's cluster, as its first record tells it.
    func toldCluster() throws -> UUID? {
        var found: UUID?
        try decodeBody { (raw) throws(StoreError) in
            if raw.kind == .cluster, case .uuid(let id)? = try raw.images(ClusterRow.table).after?.last { found = id }
        }
        return found
    }
}

extension SalvagedLog {
    /// How many records there are that lead to one of these, go on after what was compacted there, or are of its epoch.
    fileprivate func records(of heads: [Head]) -> Int {
        records { stretch in heads.contains { stretch.isAt($0) || stretch.epochs.contains($0.epoch) } }
    }

    fileprivate func records(of epochs: [Epoch]) -> Int { records { !$0.epochs.isDisjoint(with: epochs) } }

    private func records(_ isCounted: (Stretch) -> Bool) -> Int {
        stretches.filter(isCounted).reduce(0) { $0 + Int($1.last.rawValue - $1.first.rawValue) + 1 }
    }

    /// Which stretches are of this store.
    fileprivate mutating func tie(heads: [Head], note: HeadNote?) {
        var epochs: Set<Epoch> = []
        for index in stretches.indices {
            let stretch = stretches[index]
            let isAtHead = heads.contains { stretch.isAt($0) }
            let isNoted = note.map { $0.revision == stretch.last && $0.chain == stretch.chain } ?? false
            stretches[index].isOurs = isAtHead || isNoted
            if stretches[index].isOurs { epochs.formUnion(stretch.epochs) }
        }
        // Nothing to hold them against: the longest is this store's, if any is.
        if epochs.isEmpty, heads.isEmpty {
            let longest = stretches.indices.max {
                stretches[$0].last.rawValue - stretches[$0].first.rawValue
                    < stretches[$1].last.rawValue - stretches[$1].first.rawValue
            }
            if let longest {
                stretches[longest].isOurs = true
                epochs = stretches[longest].epochs
            }
        }
        for head in heads { epochs.insert(head.epoch) }
        // An epoch more may have begun in a stretch that shares another with one of ours.
        var grew = true
        while grew {
            grew = false
            for index in stretches.indices
            where !stretches[index].isOurs && !stretches[index].epochs.isDisjoint(with: epochs) {
                stretches[index].isOurs = true
                epochs.formUnion(stretches[index].epochs)
                grew = true
            }
        }
    }
}
