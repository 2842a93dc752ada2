internal import FoundationEssentials
internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// What the log says was there, made by another way: a replica to which the records up to a revision were applied.
@Suite(.serialized) struct `A store as it was` {
    @Test func `has the rows that a replica of the same revision has, at random revisions`() async throws {
        try await withScratch { root in
            let path = root + "/store.db"
            try await RandomHistory.make(path, commits: 300, name: "past")
            let store = try await Metastore.open(.sqlite(path))
            let (cluster, head) = (try await store.info().cluster, store.position.revision.rawValue)
            var random = Seeded("past revisions")
            var asked = Set((0..<Seeded.count(100, least: 6)).map { _ in Int64.random(in: 1..<head, using: &random) })
            asked.insert(head)
            var done = Revision.absent
            for revision in asked.sorted() {
                let replica = try await Metastore.openReplica(.sqlite(root + "/replica.db"), of: cluster)
                while done.rawValue < revision {
                    let records = try await store.logRecords(after: done).filter { $0.revision.rawValue <= revision }
                    try await replica.replay(records)
                    done = try #require(records.last?.revision)
                }
                await replica.close()
                let expected = try Inspection.open(path: root + "/replica.db")
                let past = try Inspection.open(path: path)
                try past.showPast(at: .revision(Revision(rawValue: revision)))
                for kind in RecordKind.allCases where kind != .cluster {
                    #expect(try rows(past, kind) == rows(expected, kind), "\(kind) at \(revision)")
                }
                #expect(try past.store.summary().revision.rawValue == revision)
                #expect(try chain(past) == chain(expected), "revision \(revision)")
            }
            await store.close()
        }
    }

    @Test func `a revision that isn't kept, or isn't there yet, is refused`() async throws {
        try await withScratch { root in
            let path = root + "/store.db"
            try await FullStore.make(in: .sqlite(path))
            let early = try Inspection.open(path: path)
            let head = try early.store.summary().revision
            let later = Revision(rawValue: head.rawValue + 1)
            #expect(throws: StoreError.futureRevision(asked: later, head: head)) {
                try Inspection.open(path: path).showPast(at: .revision(later))
            }
            #expect(Moment("2026-11-21T03:00:00Z") == Moment("2026-11-21 03:00"))
            #expect(Moment("2026-11-21") == Moment("2026-11-21T00:00:00Z"))
            #expect(Moment("17") == .revision(17) && Moment("-1") == nil && Moment("yesterday") == nil)
            #expect(try early.showPast(at: .time(Timestamp(microseconds: 0))) == .absent)
            #expect(try rows(early, .experiment).isEmpty)
        }
    }

    /// Every logged value of every row; what no log knows is left out.
    private func rows(_ inspection: Inspection, _ kind: RecordKind) throws -> [String] {
        let local: Set = ["last_activity", "last_heartbeat", "renewed_time", "position_revision", "position_time"]
        var rows: [String] = []
        let listed = try inspection.list(RecordQuery(kind)) { record in
            #expect(record.isProven, "\(record.key)")
            let fields = record.fields.filter { !local.contains($0.name) }
            rows.append(record.key.path + " " + fields.map { "\($0.name)=\($0.value.json)" }.joined(separator: " "))
            return true
        }
        #expect(listed.unreadableCount == 0, "\(listed.unreadable)")
        return rows
    }

    private func chain(_ inspection: Inspection) throws -> ArraySlice<UInt8> {
        try inspection.store.summary().state.suffix(32)
    }
}
