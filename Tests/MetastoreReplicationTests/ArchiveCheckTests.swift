internal import FaultSupport
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// An archive is rebuilt, and compared with the store that it is of.
@Suite(.serialized, .timed) struct `A check of an archive` {
    @Test(arguments: Way.all)
    func `says that it is equal to its store, which may be ahead`(_ way: Way) async throws {
        try await withArchivedStore(way, stretches: 2, name: "checks") { store, place in
            let open = try await Metastore.open(store.source)
            try await open.keyValue.put(EntryKey(namespace: "ahead", key: "1"), "2")
            let scratch = try place("scratch")
            let report = try await ArchiveCheck(store.line).run(in: scratch, comparing: open)
            let last = store.records.last!.revision
            #expect(report.differences.isEmpty && report.revision == last && report.snapshots.count == 2)
            #expect(report.comparedAt?.rawValue == last.rawValue + 1 && report.revisions == last.rawValue)
            await open.close()
            let probe = try scratch.makeEngine(EngineOptions())
            #expect(try probe.prepare() == .nothing, "nothing of it is kept")
            probe.close()
        }
    }

    @Test func `finds a row that was changed behind the store's back, by its key`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), stretches: 1, name: "changed rows") { store, _ in
            let engine = try store.source.makeEngine(EngineOptions())
            _ = try engine.prepare()
            let writer = try engine.openWriter()
            try writer.executeScript(
                "UPDATE experiments SET notes = 'changed' WHERE id = (SELECT min(id) FROM experiments)")
            try engine.settle(writer)
            writer.close()
            engine.close()
            let open = try await Metastore.open(store.source)
            let error = await #expect(throws: StoreError.self) {
                try await ArchiveCheck(store.line).run(in: .inMemory(), comparing: open)
            }
            #expect("\(String(describing: error))".contains("experiments/"), "\(String(describing: error))")
            await open.close()
        }
    }

    @Test func `tells a store that is behind, or on another history`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), stretches: 1, name: "others") { store, place in
            let behind = try place("behind")
            let fork = Revision(rawValue: store.records.last!.revision.rawValue - 3)
            _ = try await Restore(store.line).run(to: behind, at: .revision(fork))
            let opened = try await Metastore.open(behind)
            let early = await #expect(throws: ArchiveError.self) {
                try await ArchiveCheck(store.line).run(in: .inMemory(), comparing: opened)
            }
            #expect(early == .behind(after: fork))
            for number in 0..<5 { try await opened.keyValue.put(EntryKey(namespace: "x", key: "\(number)"), "y") }
            let error = await #expect(throws: ArchiveError.self) {
                try await ArchiveCheck(store.line).run(in: .inMemory(), comparing: opened)
            }
            guard case .forked = error else { throw Failure("\(String(describing: error))") }
            await opened.close()
        }
    }

    /// A snapshot whose digests are not those of the log at its revision.
    @Test func `finds a snapshot that isn't of the log`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), stretches: 1, name: "wrong digests") { store, _ in
            let id = store.snapshots[0].id
            let manifest = try #require(try await store.line.manifest(id))
            var row = manifest.head.row
            let index = try #require(SnapshotTable.head.columns.firstIndex { $0.name == "digests" })
            guard case .bytes(var digests) = row[index] else { throw Failure("no digests") }
            digests[3] ^= 1
            row[index] = .bytes(digests)
            let head = try #require(SnapshotHead(row: row))
            let lie = SnapshotManifest(
                form: manifest.form, attempt: manifest.attempt, anchor: manifest.anchor, head: head,
                tables: manifest.tables, parts: manifest.parts)
            let name = store.line.names.manifest(id)
            try await store.line.target.remove(name)
            _ = try await store.line.target.create(name, lie.bytes)
            let error = await #expect(throws: ArchiveError.self) {
                try await ArchiveCheck(store.line).run(in: .inMemory())
            }
            #expect(
                "\(String(describing: error))".contains(name.description)
                    && "\(String(describing: error))".contains("digests"), "\(String(describing: error))")
            // And nobody gets a store from it.
            let restored = await #expect(throws: ArchiveError.self) {
                try await Restore(store.line).run(to: .inMemory(), at: .newest)
            }
            #expect("\(String(describing: restored))".contains(name.description), "\(String(describing: restored))")
        }
    }
}
