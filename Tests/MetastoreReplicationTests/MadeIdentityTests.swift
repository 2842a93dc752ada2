internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// What tools make is the store where they made it, at once: a copy of it that is made before it was ever opened is a
/// copy.
@Suite(.serialized, .timed) struct `What is made of a store` {
    private func error(_ source: EngineSource) async -> StoreError? {
        do {
            await (try await Metastore.open(source)).close()
            return nil
        } catch {
            return error as? StoreError
        }
    }

    private func expectOwn(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for suffix in ["", ".head"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: path + ".copy" + suffix)
        }
        #expect(await error(.sqlite(path + ".copy")) == .copied(place: path + ".copy"), sourceLocation: sourceLocation)
        #expect(await error(.sqlite(path)) == nil, sourceLocation: sourceLocation)
    }

    @Test func `by copying it is a store, and of a follower a follower`() async throws {
        try await withScratch { root in
            try await RandomHistory.make(root + "/one.db", commits: 5, name: "copied")
            _ = try await StoreCopy(from: .sqlite(root + "/one.db"), to: .sqlite(root + "/two.db")).run()
            try await expectOwn(root + "/two.db")
            let store = try await Metastore.open(.sqlite(root + "/one.db"))
            let follower = try await Metastore.openReplica(.sqlite(root + "/f.db"), of: store.position.cluster)
            try await follower.replay(store.logRecords(after: .absent, bytes: .max))
            await follower.close()
            await store.close()
            _ = try await StoreCopy(from: .sqlite(root + "/f.db"), to: .sqlite(root + "/g.db")).run()
            #expect(await error(.sqlite(root + "/g.db")) == .follower(place: root + "/g.db"))
        }
    }

    @Test func `by restoring it is a store`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), name: "made") { store, _ in
            try await withScratch { root in
                _ = try await Restore(store.line).run(to: .sqlite(root + "/made.db"), at: .newest)
                try await expectOwn(root + "/made.db")
            }
        }
    }

    @Test func `by restoring a follower's beginning is a follower`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), name: "beginning") { store, _ in
            try await withScratch { root in
                var options = Restore.Options()
                options.purpose = .replica
                _ = try await Restore(store.line, options).run(to: .sqlite(root + "/made.db"), at: .newest)
                #expect(await error(.sqlite(root + "/made.db")) == .follower(place: root + "/made.db"))
            }
        }
    }
}
