package import MetastoreEngine
package import MetastoreModel

/// A record as its row says, whatever its kind, for whoever shows or compares rows without knowing their types.
package struct StoredRow: Sendable {
    package let key: RecordKey
    /// The values in the order of the table's columns: `created_revision` and `revision`, the record's fields, local
    /// ones.
    package let image: [Value]
    /// The row's own hash is that of its values. One that isn't was damaged, or changed behind the store's back.
    package let isProven: Bool

    package var kind: RecordKind { key.kind }
    package var table: Table { key.kind.table }
    package var revision: Revision { Revision(rawValue: integer(1)) }
    package var createdRevision: Revision { Revision(rawValue: integer(0)) }

    private func integer(_ index: Int) -> Int64 {
        if case .integer(let number) = image[index] { number } else { 0 }
    }

    /// - Parameter stored: the hash that the row carries; nil for an image of the log, which the chain proves.
    /// - Throws: ``StoreError/damaged(place:reason:)`` when the image is none of its kind.
    package init(_ kind: RecordKind, image: [Value], stored: Int64?) throws(StoreError) {
        let key = try kind.key(of: image)
        self.key = key
        self.image = image
        isProven = stored.map { $0 == RowHash(kind.table, key, image).column } ?? true
    }

    /// The value of a column by its name; null where there is no such column.
    package func value(_ name: String) -> Value {
        table.columns.firstIndex { $0.name == name }.map { image[$0] } ?? .null
    }
}

extension RowHash {
    /// Of a row image.
    package init(_ table: Table, _ key: RecordKey, _ image: [Value]) {
        var fields = CanonicalWriter()
        fields.row(table, image)
        self.init(kind: table.kind, key: key.path, fields: fields.bytes)
    }
}

extension RecordKind {
    /// The key of a row of this kind, all of whose values are read on the way.
    package func key(of image: [Value]) throws(StoreError) -> RecordKey {
        switch self {
        case .experiment: try Experiment(image: image).recordKey
        case .trial: try Trial(image: image).recordKey
        case .workload: try Workload(image: image).recordKey
        case .checkpoint: try Checkpoint(image: image).recordKey
        case .snapshot: try ExperimentSnapshot(image: image).recordKey
        case .pool: try ResourcePool(image: image).recordKey
        case .agent: try Agent(image: image).recordKey
        case .slot: try Slot(image: image).recordKey
        case .task: try ClusterTask(image: image).recordKey
        case .allocation: try Allocation(image: image).recordKey
        case .container: try Container(image: image).recordKey
        case .port: try PortReservation(image: image).recordKey
        case .instance: try Instance(image: image).recordKey
        case .spotRequest: try SpotRequest(image: image).recordKey
        case .keyValue: try KeyValueEntry(image: image).recordKey
        case .lease: try Lease(image: image).recordKey
        case .document: try Document(image: image).recordKey
        case .consumer: try Consumer(image: image).recordKey
        case .leadership: try Leadership(image: image).recordKey
        case .cluster: .cluster
        }
    }
}
