package import MetastoreEngine
package import MetastoreModel

/// One change as it stands in a body, before its images are looked at.
package struct RawChange {
    package let kind: RecordKind
    package let operation: ChangeOperation
    package let key: UnsafeRawBufferPointer
    package let after: UnsafeRawBufferPointer
    package let before: UnsafeRawBufferPointer
}

/// Which changes a reader of the feed wants.
package struct ChangeFilter: Sendable, Hashable {
    package var kinds: RecordKinds
    package var under: KeyPrefix?

    package static let everything = ChangeFilter(kinds: .all, under: nil)

    package init(kinds: RecordKinds, under: KeyPrefix?) {
        self.kinds = under.map { kinds.intersection($0.kinds) } ?? kinds
        self.under = under
    }

    fileprivate func wants(_ change: RawChange) -> Bool {
        change.kind != .cluster && kinds.contains(change.kind) && under?.matches(utf8: change.key) ?? true
    }
}

extension LogRecord {
    /// The head's counters that moved, the operation's answer, and each change in turn.
    package func decodeBody(
        counters: (UInt8, Int64) throws(StoreError) -> Void = { _, _ in },
        operation: (OperationRecord) throws(StoreError) -> Void = { _ in },
        change: (RawChange) throws(StoreError) -> Void
    ) throws(StoreError) {
        try withBody { (body) throws(StoreError) in
            try LogBody.decode(body, counters: counters, operation: operation, change: change)
        }
    }

    /// The changes a reader wants, with both images.
    package func changes(_ filter: ChangeFilter) throws(StoreError) -> [Change] {
        guard !kinds.isDisjoint(with: filter.kinds) else { return [] }
        return try withBody { (body) throws(StoreError) in try LogBody.changes(body, of: revision, filter) }
    }

    /// As a commit with the given changes.
    func commit(_ changes: [Change]) -> Commit {
        Commit(
            revision: revision, epoch: epoch.number, time: time, schema: schema, actor: actor, operation: operation,
            consumer: consumer, changes: changes)
    }

    private func withBody<Result>(
        _ read: (UnsafeRawBufferPointer) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try body.withUnsafeBufferPointer { (body) throws(StoreError) in try read(UnsafeRawBufferPointer(body)) }
    }
}

extension LogBody {
    /// The changes of a body that a reader wants, with both images.
    static func changes(
        _ body: UnsafeRawBufferPointer, of revision: Revision, _ filter: ChangeFilter
    ) throws(StoreError) -> [Change] {
        var wanted: [Change] = []
        try decode(body) { (raw) throws(StoreError) in
            if filter.wants(raw) { wanted.append(try raw.change(revision)) }
        }
        return wanted
    }

    /// Takes a body apart, where it lies.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, counters: (UInt8, Int64) throws(StoreError) -> Void = { _, _ in },
        operation: (OperationRecord) throws(StoreError) -> Void = { _ in },
        change: (RawChange) throws(StoreError) -> Void
    ) throws(StoreError) {
        var reader = CanonicalReader(bytes)
        guard try reader.byte() == formatVersion else {
            throw .damaged(place: "a log record", reason: "its format is newer than this release, or it is none")
        }
        for _ in 0..<(try reader.number()) {
            let number = try reader.byte()
            try counters(number, try reader.signed())
        }
        if try reader.flag() {
            let fingerprint = Array(try reader.slice(32))
            try operation(OperationRecord(fingerprint: fingerprint, result: Array(try reader.sized())))
        }
        for _ in 0..<(try reader.number()) {
            let kind = RecordKind(rawValue: try reader.byte())
            let operation = ChangeOperation(rawValue: try reader.byte())
            let key = try reader.sized()
            let after = try reader.sized()
            let before = try reader.sized()
            guard let kind, let operation else {
                throw .damaged(place: "a log record", reason: "a change has an unknown kind or operation")
            }
            try change(RawChange(kind: kind, operation: operation, key: key, after: after, before: before))
        }
        guard reader.isAtEnd else { throw .damaged(place: "a log record", reason: "something follows its end") }
    }
}

extension RawChange {
    package func change(_ revision: Revision) throws(StoreError) -> Change {
        switch kind {
        case .experiment: try typed(Experiment.self, revision)
        case .trial: try typed(Trial.self, revision)
        case .workload: try typed(Workload.self, revision)
        case .checkpoint: try typed(Checkpoint.self, revision)
        case .snapshot: try typed(ExperimentSnapshot.self, revision)
        case .pool: try typed(ResourcePool.self, revision)
        case .agent: try typed(Agent.self, revision)
        case .slot: try typed(Slot.self, revision)
        case .task: try typed(ClusterTask.self, revision)
        case .allocation: try typed(Allocation.self, revision)
        case .container: try typed(Container.self, revision)
        case .port: try typed(PortReservation.self, revision)
        case .instance: try typed(Instance.self, revision)
        case .spotRequest: try typed(SpotRequest.self, revision)
        case .keyValue: try typed(KeyValueEntry.self, revision)
        case .lease: try typed(Lease.self, revision)
        case .document: try typed(Document.self, revision)
        case .consumer: try typed(Consumer.self, revision)
        case .leadership: try typed(Leadership.self, revision)
        case .cluster: throw .misuse(reason: "a change of the head row is not fed")
        }
    }

    /// The images of the row: what it is after, and what it was before (the old values over the new ones).
    package func images(_ table: Table) throws(StoreError) -> (before: [Value]?, after: [Value]?) {
        var image = [Value](repeating: .null, count: table.loggedCount)
        if operation != .deleted {
            var reader = CanonicalReader(after)
            try reader.fields(over: &image)
        }
        guard operation != .created else { return (nil, image) }
        var old = image
        var reader = CanonicalReader(before)
        try reader.fields(over: &old)
        return (old, operation == .deleted ? nil : image)
    }

    private func typed<R: StoredRecord>(_ type: R.Type, _ revision: Revision) throws(StoreError) -> Change {
        try withRows(R.table) { (old, new) throws(StoreError) in
            let before = try old.map { (row) throws(StoreError) in try R(logged: row) }
            let after = try new.map { (row) throws(StoreError) in try R(logged: row) }
            guard let key = after?.recordKey ?? before?.recordKey else {
                throw .damaged(place: "a log record", reason: "a change has no image")
            }
            return R.change(RecordChange(key: key, before: before, after: after, revision: revision))
        }
    }

    /// Lends both images of the row as ``images(_:)`` gives them, each value where it lies in the body; local columns
    /// are null.
    private func withRows<Result>(
        _ table: Table,
        _ body: (_ before: UnsafeBufferPointer<RawColumn>?, _ after: UnsafeBufferPointer<RawColumn>?)
            throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let count = table.columns.count
        return try withUnsafeTemporaryAllocation(of: RawColumn.self, capacity: 2 * count) { (both) throws(StoreError) in
            let new = UnsafeMutableBufferPointer(rebasing: both[..<count])
            new.initialize(repeating: .null)
            if operation != .deleted {
                var reader = CanonicalReader(after)
                try reader.fields(over: new, of: table)
            }
            guard operation != .created else { return try body(nil, UnsafeBufferPointer(new)) }
            let old = UnsafeMutableBufferPointer(rebasing: both[count...])
            _ = old.initialize(from: new)
            var reader = CanonicalReader(before)
            try reader.fields(over: old, of: table)
            return try body(UnsafeBufferPointer(old), operation == .deleted ? nil : UnsafeBufferPointer(new))
        }
    }
}

extension StoredRecord {
    /// From a row that lies in a log record.
    fileprivate init(logged row: UnsafeBufferPointer<RawColumn>) throws(StoreError) {
        var reader = RowReader(Self.self, columns: row)
        try self.init(reading: &reader)
    }
}
