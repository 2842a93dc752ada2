package import FoundationEssentials
package import MetastoreEngine
package import MetastoreModel

/// A table of a store as a snapshot holds it: every column of every row, but for the log, which segments have.
package struct SnapshotTable: Sendable {
    let table: CopiedTable

    package var name: String { table.name }
    package var columns: [(name: String, type: ColumnType)] { table.columns }

    /// The tables of a schema. What is belonged to stands before what belongs to it.
    package static func all(of schema: Int64) -> [SnapshotTable] {
        CopiedTable.all(of: schema).filter { $0.name != "log" }.map { SnapshotTable(table: $0) }
    }

    /// The head row.
    package static let head = SnapshotTable(table: .head)
}

/// A store's head row: where the snapshot stands, and what its rows add up to.
package struct SnapshotHead: Sendable, Hashable {
    let head: Head
    /// As ``SnapshotTable/head`` has its columns.
    package let row: [Value]

    package var cluster: UUID { head.cluster }
    package var epoch: Epoch { head.epoch }
    package var revision: Revision { head.revision }
    package var chain: [UInt8] { head.chain }
    package var time: Timestamp { head.time }
    package var schema: Int64 { head.schema }
    package var digests: StateDigests { head.digests }
    package var position: Position { head.position }
    /// The store's log begins after this revision, and its link.
    package var compactedRevision: Revision { head.compactedRevision }
    package var compactedChain: [UInt8] { head.compactedChain }

    init(head: Head, row: [Value]) {
        self.head = head
        self.row = row
    }

    /// From the row; nil where a column is not of its type or can't have that value.
    package init?(row: [Value]) {
        guard let head = Head(values: row) else { return nil }
        self.init(head: head, row: row)
    }

    /// The same state: all that the log tells of, and the ids that come next.
    package func isSameState(as other: SnapshotHead) -> Bool {
        head.cluster == other.head.cluster && head.epoch == other.head.epoch && head.revision == other.head.revision
            && head.chain == other.head.chain && head.digests == other.head.digests
            && head.counters == other.head.counters && head.schema == other.head.schema
    }
}

extension Head {
    /// From a row, as ``CopiedTable/head`` has its columns.
    init?(values: [Value]) {
        guard values.count == CopiedTable.head.columns.count, values[0] == .integer(1),
            case .uuid(let cluster) = values[1], case .bytes(let chain) = values[6],
            case .timestamp(let time) = values[7], case .bytes(let digests) = values[19],
            let digests = StateDigests(bytes: digests), case .bytes(let compactedChain) = values[21],
            chain.count == 32, compactedChain.count == 32
        else { return nil }
        var numbers: [Int64] = []
        for index in [2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 23] {
            guard case .integer(let number) = values[index] else { return nil }
            numbers.append(number)
        }
        guard numbers[0] > 0, numbers[3] >= 0, numbers[2] >= numbers[3], numbers[4] > 0 else { return nil }
        self.init(
            cluster: cluster, epoch: Epoch(number: numbers[0], nonce: UInt64(bitPattern: numbers[1])),
            time: Timestamp(microseconds: time), schema: numbers[4])
        revision = Revision(rawValue: numbers[2])
        compactedRevision = Revision(rawValue: numbers[3])
        self.chain = chain
        self.compactedChain = compactedChain
        counters = Array(numbers[7..<15])
        self.digests = digests
        isClean = numbers[15] != 0
        logBytes = numbers[16]
        batches = numbers[17]
    }
}
