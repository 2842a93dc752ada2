internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// Consecutive records of the log, as far as a reader of the feed wants them: what its position moves over at once.
struct Stretch: Sendable {
    let start: Position
    /// The position after the last record.
    private(set) var end: Position
    /// Those with a wanted change.
    private(set) var commits: [Commit] = []
    /// About how much memory the records take, wanted or not.
    private(set) var bytes = 0

    init(after start: Position) {
        self.init(after: start, until: start)
    }

    /// One of which nothing is wanted.
    init(after start: Position, until end: Position) {
        self.start = start
        self.end = end
    }

    var isEmpty: Bool { end.revision == start.revision }

    /// Adds a record of the tail.
    mutating func add(_ record: LogRecord, _ filter: ChangeFilter) throws(StoreError) {
        try record.chain.withUnsafeBufferPointer { (link) throws(StoreError) in
            try move(to: record.revision, record.epoch, UnsafeRawBufferPointer(link))
        }
        bytes += record.footprint
        let changes = try record.changes(filter)
        if !changes.isEmpty { commits.append(record.commit(changes)) }
    }

    /// Adds a record where it lies: only what is wanted is copied.
    mutating func add(_ row: LogRow, _ filter: ChangeFilter) throws {
        let revision = try row.revision
        try move(to: revision, try row.epoch, try row.link)
        bytes += LogRecord.headerFootprint
        guard try !row.kinds.isDisjoint(with: filter.kinds) else { return }
        let changes = try row.withBody { (body) throws(StoreError) in
            bytes += body.count
            return try LogBody.changes(body, of: revision, filter)
        }
        if !changes.isEmpty { commits.append(try row.commit(changes)) }
    }

    private mutating func move(
        to revision: Revision, _ epoch: Epoch, _ link: UnsafeRawBufferPointer
    ) throws(StoreError) {
        guard revision.rawValue == end.revision.rawValue + 1 else {
            throw .damaged(place: "the log", reason: "revision \(end.revision.rawValue + 1) is missing")
        }
        end = Position(cluster: end.cluster, epoch: epoch, revision: revision, link: link)
    }
}
