internal import ArchiveSupport
internal import FaultSupport
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `An archiver beside another's store` {
    /// Lends one that archives from a handle that only reads, while the bench's store is written to.
    private func archiving(
        _ archive: ArchiverBench, _ body: (Archiver) async throws -> Void
    ) async throws {
        let reader = try await archive.bench.another { $0.engine.isReadOnly = true }
        let archiver = try Archiver(beside: reader, archive.target, archive.options)
        let run = Task { try await archiver.run() }
        do {
            try await body(archiver)
        } catch {
            run.cancel()
            _ = await run.result
            await reader.close()
            throw error
        }
        run.cancel()
        try await run.value
        await reader.close()
    }

    /// It has no place of its own in the store: a list of names says where to begin, and a long archive isn't read.
    @Test(arguments: TestEngine.lasting.filter { $0 != .hostile && $0.rawValue != "pooled" })
    func `archives all of it, and begins where the archive ends`(_ engine: TestEngine) async throws {
        var random = Seeded("archiver beside \(engine)")
        try await withArchive(engine) { archive in
            archive.options.segmentBytes = 3_000
            for round in 0..<12 {
                try await archive.commit(8, &random)
                let reads = archive.target.reads
                try await archiving(archive) { archiver in
                    #expect(await eventually { archiver.status.archived != nil })
                    // Two for each object: it, and what merging says.
                    if round > 0 { #expect(archive.target.reads - reads <= 20, "round \(round)") }
                    try await archive.commit(3, &random)
                    try await archive.awaitArchived(archiver)
                }
            }
            #expect(try await names(archive.line).count > 20, "the whole line is much longer")
            try await archive.expectSame()
            #expect(try await archive.store.consumers.all().isEmpty, "nothing was written to the store")
        }
    }

    /// The master's own archiver and one beside it write one line.
    @Test func `has the master's own beside it`() async throws {
        var random = Seeded("two archivers")
        try await withArchive(.disk) { archive in
            archive.options.segmentBytes = 3_000
            try await archive.archiving { own in
                try await archiving(archive) { beside in
                    for _ in 0..<20 { try await archive.commit(3, &random) }
                    try await archive.awaitArchived(own)
                    try await archive.awaitArchived(beside)
                    #expect(
                        await eventually { own.status.state == .following && beside.status.state == .following })
                }
            }
            try await archive.expectSame()
        }
    }

    /// The archive goes beyond what the store was when its opening began, and the store does so, too, by then.
    @Test(arguments: [true, false])
    func `opens while another archives what is committed meanwhile`(_ isBeside: Bool) async throws {
        var random = Seeded("opening \(isBeside)")
        try await withArchive(.disk) { archive in
            for _ in 0..<4 {
                try await archive.commit(3, &random)
                try await archive.store.upload(to: archive.line)
                let (store, line) = (archive.store, ArchiveLine(archive.target.base, of: archive.line.cluster))
                archive.target.beforeNextRead {
                    try await store.lead(as: "another") { _ in }
                    try await store.keyValue.put(EntryKey(namespace: "meanwhile", key: "a"), "1")
                    try await store.upload(to: line)
                }
                let opened = archive
                func check(_ archiver: Archiver) async throws {
                    try await opened.awaitArchived(archiver)
                    #expect(await eventually { archiver.status.state == .following }, "\(archiver.status)")
                }
                if isBeside {
                    try await archiving(archive, check)
                } else {
                    try await archive.archiving(check)
                }
            }
            try await archive.expectSame()
        }
    }

    /// A copy of the store went on: what its archiver finds behind the listed name isn't the copy's history.
    @Test func `tells of a copy that went on`() async throws {
        var random = Seeded("a copy beside")
        try await withArchive(.disk) { archive in
            archive.options.segmentBytes = 3_000
            try await archive.commit(20, &random)
            try await archiving(archive) { try await archive.awaitArchived($0) }
            let copy = archive.bench.directory + "/copy.db"
            await archive.store.close()
            try FaultSupport.run("cp", archive.bench.path, copy)
            try await archive.bench.reopen()
            try await archive.commit(10, &random, lead: false)
            try await archiving(archive) { try await archive.awaitArchived($0) }
            let other = try await Metastore.open(EngineSource.sqlite(copy).withoutFileMarks)
            for number in 0..<30 { try await other.keyValue.put(EntryKey(namespace: "copy", key: "\(number)"), "x") }
            let archiver = try Archiver(beside: other, archive.target, archive.options)
            let run = Task { try await archiver.run() }
            #expect(
                await eventually {
                    if case .alarm(.forked) = archiver.status.state { true } else { false }
                }, "\(archiver.status)")
            run.cancel()
            try await run.value
            await other.close()
            try await archive.expectSame()
        }
    }
}
