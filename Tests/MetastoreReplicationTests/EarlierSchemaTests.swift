internal import FaultLoad
internal import FaultSupport
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// What an early release left in the archive, and a later one made of the store.
@Suite(.serialized, .timed) struct `A snapshot of an earlier schema` {
    @Test(arguments: Way.all) func `is restored, brought to this one, and goes on`(_ way: Way) async throws {
        try await withArchivedStore(way, stretches: 0, commits: 60, name: "earlier \(way)") { store, place in
            let forms: [SnapshotForm] = way.from.isFile && way.to.isFile ? [.portable, .image] : [.portable]
            try await upgrade(&store, forms)
            let revisions = [store.snapshots[0].id.revision, store.records.last!.revision]
            for form in forms {
                for revision in revisions {
                    let made = try place("\(form)-\(revision)")
                    let report = try await Restore(store.line, Restore.options { $0.forms = [form] })
                        .run(to: made, at: .revision(revision))
                    #expect(report.snapshot?.form == form)
                    let opened = try await Metastore.open(made)
                    // One record tells of the schema, in the epoch of the restored store, if the history hasn't.
                    let isTold = revision > revisions[0]
                    #expect(opened.position.revision.rawValue == revision.rawValue + (isTold ? 0 : 1))
                    try await expect(opened, of: store, at: revision)
                    await opened.close()
                }
            }
        }
    }

    @Test(arguments: Way.all.filter { $0.from == .disk })
    func `begins a follower, which may be promoted before it hears of the next`(
        _ way: Way
    ) async throws {
        try await withArchivedStore(way, stretches: 0, commits: 60, name: "replicas \(way)") { store, place in
            try await upgrade(&store, [.portable])
            let revision = store.snapshots[0].id.revision
            // On a server the backfill waits for whoever had begun it there.
            for isBefore in way.to.isFile ? [true, false] : [true] {
                let made = try place("\(isBefore)")
                let options = Restore.options { $0.purpose = .replica }
                _ = try await Restore(store.line, options).run(to: made, at: .revision(revision))
                let replica = try await Metastore.openReplica(made, of: store.line.cluster)
                if !isBefore { try await replica.replay(store.records.filter { $0.revision > revision }) }
                await replica.close()
                let promoted = try await Metastore.promote(made)
                try await expect(promoted, of: store, at: isBefore ? revision : store.records.last!.revision)
                await promoted.close()
            }
        }
    }

    /// All that was there, what is derived of it, and a store that takes writes.
    private func expect(_ opened: Metastore, of store: ArchivedStore, at revision: Revision) async throws {
        let (found, expected) = (try await opened.contents(), try await store.contents(at: revision))
        #expect(found.digests == found.digestsOfRows && found.damagedRows.isEmpty)
        #expect(found.digestsOfRows == expected.digestsOfRows)
        #expect(try await opened.info().schema == store.records.last!.schema)
        #expect(try await eventually { try await opened.backfills().allSatisfy { $0.state == .done } })
        try await opened.keyValue.put("goes/on", "v")
        #expect(try await opened.verify().findings == [])
    }

    /// Snapshots of the store as an early release left it; then it is upgraded, and goes on.
    private func upgrade(_ store: inout ArchivedStore, _ forms: [SnapshotForm]) async throws {
        try store.source.goBackToFirstSchema()
        for form in forms { try await store.snapshot(as: form) }
        var options = StoreOptions()
        options.schema = .automatically
        await (try await Metastore.open(store.source, options)).close()
        try await store.goOn(commits: 25, name: "later")
    }
}
