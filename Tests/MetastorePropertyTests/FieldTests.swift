import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import Testing

@Suite struct `A field of a log record` {
    /// Where it lies, a time looks like any number, and a UUID like any bytes.
    @Test(
        arguments: [
            .timestamp(1), .real(1), .text("1"), .bytes([1]),
            .uuid(UUID(uuidString: "00000000-0000-0000-0000-000000000001")!),
        ] as [Value])
    func `that is not of its column's type is damage`(_ value: Value) throws {
        let good = try Self.lease(timeToLive: .integer(1_000)).changes(.everything)
        guard case .lease(let lease)? = good.first else {
            Issue.record("no lease")
            return
        }
        #expect(lease.after?.timeToLive == .milliseconds(1))
        #expect {
            try Self.lease(timeToLive: value).changes(.everything)
        } throws: { error in
            if case StoreError.damaged = error { true } else { false }
        }
    }

    /// The column after the logged ones is a local one, which no log knows.
    @Test func `of a newer schema is skipped, and is no local column`() async throws {
        let store = try await GoldenStore.make()
        let records = try await store.logRecords(after: 0, bytes: .max)
        await store.close()
        var seen = 0
        for record in records {
            var raw: [(key: [UInt8], after: [UInt8])] = []
            try record.decodeBody { (change) throws(StoreError) in
                if change.kind == .agent, change.operation == .created {
                    raw.append((Array(change.key), Array(change.after)))
                }
            }
            for (key, after) in raw {
                var fields = CanonicalWriter()
                fields.raw(after)
                fields.field(UInt8(RecordKind.agent.table.loggedCount + 1), .timestamp(1))
                let newer = Self.record(.agent, String(decoding: key, as: UTF8.self), fields.bytes)
                let older = Self.record(.agent, String(decoding: key, as: UTF8.self), after)
                #expect(try newer.changes(.everything) == older.changes(.everything))
                seen += 1
            }
        }
        #expect(seen > 0)
    }

    private static func lease(timeToLive: Value) throws -> LogRecord {
        var fields = CanonicalWriter()
        let columns = RecordKind.lease.table.columns
        for (index, column) in columns.enumerated() where !column.isLocal {
            fields.field(UInt8(index + 1), column.name == "time_to_live" ? timeToLive : .integer(1))
        }
        return record(.lease, "leases/1", fields.bytes)
    }

    /// One that creates one record.
    private static func record(_ kind: RecordKind, _ key: String, _ fields: [UInt8]) -> LogRecord {
        var body = CanonicalWriter()
        body.byte(1)
        body.number(0)
        body.byte(0)
        body.number(1)
        body.byte(kind.rawValue)
        body.byte(ChangeOperation.created.rawValue)
        body.text(key)
        body.blob(fields)
        body.number(0)
        return LogRecord(
            revision: 1, epoch: Epoch(number: 1, nonce: 1), time: Timestamp(microseconds: 1), schema: 1, actor: "a",
            operation: nil, consumer: nil, kinds: RecordKinds(kind), body: body.bytes, chain: [])
    }
}
