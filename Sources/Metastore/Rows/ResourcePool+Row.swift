internal import MetastoreEngine
internal import MetastoreModel

extension ResourcePool: StoredRecord {
    static let table = Table(
        .pool, "pools", key: ["name"],
        fields: [
            ("name", .text), ("kind", .integer), ("provider", .text), ("instance_type", .text), ("tag_key", .text),
            ("tag_value", .text), ("min_instances", .integer), ("max_instances", .integer), ("is_spot", .integer),
            ("max_price", .real), ("idle_period", .integer),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            name: try row.text(), kind: try row.code(),
            provider: try row.optionalText().map(JSONObject.init(canonical:)), instanceType: try row.optionalText(),
            tagKey: try row.optionalText(), tagValue: try row.optionalText(), minInstances: try row.int(),
            maxInstances: try row.int(), isSpot: try row.bool(), maxPrice: try row.optionalReal(),
            idlePeriod: try row.optionalInt().map { .microseconds($0) }, createdRevision: createdRevision,
            revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(name)
        row.add(kind)
        row.add(provider?.text)
        row.add(instanceType)
        row.add(tagKey)
        row.add(tagValue)
        row.add(minInstances)
        row.add(maxInstances)
        row.add(isSpot)
        row.addReal(maxPrice)
        row.add(idlePeriod.map(\.wholeMicroseconds))
    }
}
