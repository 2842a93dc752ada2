import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing

/// The error of the first batch after a position.
func refusal(_ store: Metastore, after position: Position) async -> StoreError? {
    var iterator = store.changes(after: position).batches.makeAsyncIterator()
    do {
        _ = try await iterator.next()
        return nil
    } catch {
        return error as? StoreError
    }
}

/// Every revision with changes after a position, up to the head.
func revisions(_ store: Metastore, after position: Position) async throws -> [Int64] {
    var found: [Int64] = []
    let end = store.position.revision
    guard position.revision < end else { return [] }
    for try await batch in store.changes(after: position).batches {
        found += batch.commits.map(\.revision.rawValue)
        if batch.position.revision >= end { break }
    }
    return found
}

extension Metastore {
    func putSome(_ count: Int, bytes: Int = 10, namespace: String = "n") async throws {
        var random = Randomness(7)
        for number in 0..<count {
            let value = random.bytes(bytes)
            try await keyValue.put(EntryKey(namespace: namespace, key: "k\(number)"), value + [UInt8(number & 0xFF)])
            let again = random.bytes(4)
            try await keyValue.put(EntryKey(namespace: namespace, key: "k\(number)"), again)
        }
    }
}

@Suite struct `Resuming from a position` {
    @Test(arguments: Place.allCases)
    func `works at every revision, the one before the first included`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        try await store.putSome(20)
        let end = store.position.revision.rawValue
        for revision in 0...end {
            let position = try await store.position(at: Revision(revision))
            #expect(Position(position.description) == position)
            #expect(try await revisions(store, after: position) == Array(max(2, revision + 1)..<(end + 1)))
        }
        await #expect(throws: StoreError.futureRevision(asked: Revision(end + 1), head: Revision(end))) {
            try await store.position(at: Revision(end + 1))
        }
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `before what is kept fails as compacted, with a position that works`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        var options = StoreOptions.quick
        options.logRetentionBytes = 8_000
        let store = try await Metastore.open(directory.source(place), options)
        let start = try await store.position(at: 0)
        try await store.putSome(100)
        var compacted: Revision = 0
        #expect(
            try await eventually {
                // Until retention has nothing more to do: else it goes on while the test reads.
                try await Task.sleep(for: .milliseconds(150))
                let before = compacted
                compacted = try await store.info().compactedRevision
                return compacted == before && compacted > 100
            })
        guard case .compacted(let oldest) = await refusal(store, after: start) else {
            Issue.record("no error for what is gone")
            return
        }
        #expect(oldest.revision >= 100)
        let found = try await revisions(store, after: oldest)
        let end = store.position.revision.rawValue
        #expect(found == Array((oldest.revision.rawValue + 1)...end))
        await #expect(throws: StoreError.self) { try await store.position(at: 0) }
        await #expect(throws: StoreError.self) { try await store.position(at: 1) }
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `ahead of the head fails as a future revision`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        let here = store.position
        let ahead = Position(
            cluster: here.cluster, epoch: here.epoch, revision: 99, chainPrefix: here.chainPrefix)
        #expect(await refusal(store, after: ahead) == .futureRevision(asked: 99, head: here.revision))
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `of another cluster fails as such`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        let elsewhere = TemporaryPlace()
        let other = try await Metastore.open(elsewhere.source(place), .quick)
        #expect(await refusal(store, after: other.position) == .otherCluster)
        await store.close()
        await other.close()
    }

    @Test(arguments: Place.allCases)
    func `with a revision of ours and a link that isn't fails as forked`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        try await store.putSome(3)
        let here = store.position
        let forged = Position(cluster: here.cluster, epoch: here.epoch, revision: 4, chainPrefix: [1, 2, 3])
        guard case .forked(let common) = await refusal(store, after: forged) else {
            Issue.record("a forged link was taken")
            return
        }
        #expect(try await revisions(store, after: common).last == here.revision.rawValue)
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `of earlier epochs of this history works`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        var positions = [try await store.position(at: 0)]
        for number in 0..<4 {
            try await store.lead(as: "m\(number)") { _ in }
            positions.append(store.position)
            try await store.putSome(1)
            positions.append(store.position)
        }
        let end = store.position.revision.rawValue
        for position in positions {
            #expect(try await revisions(store, after: position).last ?? end == end)
        }
        await store.close()
    }

    /// A volume brought back from an older backup, next to the note of what was durable.
    @Test func `on a history that was cut fails as forked, with the last common position`() async throws {
        let directory = TemporaryPlace()
        var store = try await Metastore.open(directory.database(), .quick)
        try await store.putSome(5)
        let common = store.position
        await store.close()
        let backup = try Data(contentsOf: URL(filePath: directory.file("m.db")))
        store = try await Metastore.open(directory.database(), .quick)
        try await store.putSome(5)
        let lost = store.position
        await store.close()
        let note = try Data(contentsOf: URL(filePath: directory.file("m.db.head")))

        let other = TemporaryPlace()
        try backup.write(to: URL(filePath: other.file("m.db")))
        try note.write(to: URL(filePath: other.file("m.db.head")))
        await #expect(throws: StoreError.historyCut(expected: lost.revision, found: common.revision)) {
            try await Metastore.open(other.database(), .quick)
        }
        var options = StoreOptions.quick
        options.history = .adopt
        options.copies = .adopt
        let adopted = try await Metastore.open(other.database(), options)
        #expect(await refusal(adopted, after: lost) == .forked(lastCommon: common))
        try await adopted.putSome(20, namespace: "other")
        #expect(await refusal(adopted, after: lost) == .forked(lastCommon: common))
        let end = adopted.position.revision.rawValue
        #expect(try await revisions(adopted, after: common) == Array((common.revision.rawValue + 1)...end))
        await adopted.close()
    }

    /// An older state put back into the file behind everybody's back: nothing tells of the cut but the links.
    @Test func `on a state that went its own way fails, first as future, then as forked`() async throws {
        let directory = TemporaryPlace()
        var store = try await Metastore.open(directory.database(), .quick)
        try await store.putSome(5)
        await store.close()
        let earlier = try Data(contentsOf: URL(filePath: directory.file("m.db")))
        store = try await Metastore.open(directory.database(), .quick)
        try await store.putSome(5)
        let ahead = store.position
        await store.close()
        try earlier.write(to: URL(filePath: directory.file("m.db")))
        try FileManager.default.removeItem(atPath: directory.file("m.db.head"))
        let other = try await Metastore.open(directory.database(), .quick)
        #expect(
            await refusal(other, after: ahead)
                == .futureRevision(asked: ahead.revision, head: other.position.revision))
        try await other.putSome(20, namespace: "other")
        guard case .forked(let common) = await refusal(other, after: ahead) else {
            Issue.record("the other history was taken for ours")
            return
        }
        #expect(try await revisions(other, after: common).last == other.position.revision.rawValue)
        await other.close()
    }
}
