internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized) struct `Salvaging a store` {
    @Test(arguments: [false, true])
    func `of one that is whole everything comes back`(_ isCompacted: Bool) async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 300, isCompacted: isCompacted)
            let (_, target, report) = try lost.salvage(root, main: lost.bytes)
            let store = try await Metastore.open(.sqlite(target))
            let found = try await store.contents()
            #expect(found.digests == lost.contents.digests)
            #expect(found.counters == lost.contents.counters)
            #expect(found.revision == lost.contents.revision)
            #expect(found.links == (isCompacted ? lost.contents.links.suffix(2) : lost.contents.links))
            if !isCompacted { #expect(found.operations == lost.contents.operations) }
            #expect(try await store.verify().isClean)
            #expect(store.position.epoch.number > lost.epoch)
            await store.close()
            #expect(report.rows.allSatisfy { $0.isWhole && $0.expected == $0.recovered && $0.doubtful == 0 })
            #expect(report.asideFile == nil && report.corrected == 0 && report.hasSchema && report.isClusterKnown)
            #expect(report.pages.unassigned == 0 && report.pages.unreadable == 0)
            var status = stat()
            #expect(stat(target, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func `what is in the write-ahead log alone comes back too, and where that is torn what is whole`()
        async throws
    {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 100, isOpen: true)
            let log = try #require(lost.log)
            let (_, target, report) = try lost.salvage(root, main: lost.bytes, log: log)
            #expect(report.rows.allSatisfy { $0.isWhole })
            let outcome = try await Outcome(lost, target, report)
            #expect(outcome.there == outcome.of && outcome.older == 0 && outcome.resurrected == 0)

            // Behind the flaw lie newer pages than before it: what they hold proves itself.
            var flawed = log
            flawed[32 + (log.count / (4_096 + 24) / 2) * (4_096 + 24) + 2_000] ^= 1
            let (_, second, told) = try lost.salvage(root, main: lost.bytes, log: flawed, named: "flawed")
            #expect(told.pages.behindFlaw > 0)
            let after = try await Outcome(lost, second, told)
            #expect(after.there == after.of && after.older == 0 && after.resurrected == 0)
            #expect(told.revision == lost.contents.revision)
        }
    }

    /// Nothing in a head row proves whose it is: the log does, and the table of epochs.
    @Test(arguments: [false, true])
    func `a head row of another store is disowned, and rows of that one don't come in with it`(
        _ hasNote: Bool
    ) async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 100)
            let other = try await LostStore(root + "/other", rows: 100)
            let head = try Inspection.open(path: lost.path).rootPage(of: "head")
            let pages = lost.bytes.count / 4_096
            for page in stride(from: 2, through: pages, by: max(1, pages / 8)) where page != head {
                let bytes = lost.bytes(with: [head, page], of: other)
                let (_, target, report) = try lost.salvage(root, main: bytes, hasNote: hasNote)
                let outcome = try await Outcome(lost, target, report)
                let isMarked = report.rows.contains { $0.unconfirmed > 0 }
                // Its first record, or the note, says which cluster it was; where the first record is of the other
                // store, too, the rows are marked.
                #expect(
                    report.cluster == lost.cluster || !hasNote && (isMarked || !report.isClusterKnown), "page \(page)")
                #expect(outcome.resurrected == 0 && (outcome.older == 0 || isMarked), "page \(page)")
            }
        }
    }

    @Test func `where the table of epochs is another store's too, what the log tells of is marked`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 300)
            let other = try await LostStore(root + "/other", rows: 300)
            let inspection = try Inspection.open(path: lost.path)
            let pages = [try inspection.rootPage(of: "head"), try inspection.rootPage(of: "epochs")]
            let bytes = lost.bytes(with: pages, of: other)
            let (_, _, report) = try lost.salvage(root, main: bytes, hasNote: false)
            for rows in report.rows { #expect(rows.isWhole || rows.unconfirmed == rows.recovered, "\(rows)") }
            #expect(report.rows.contains { !$0.isWhole && $0.recovered > 0 })
        }
    }

    @Test func `the lost store isn't touched, and nothing is written over`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 10)
            let (path, target, _) = try lost.salvage(root, main: lost.bytes)
            let names = try FileManager.default.contentsOfDirectory(atPath: root + "/copy").sorted()
            #expect(names == ["metastore.db", "metastore.db.head", "new.db", "new.db.head", "new.db.lock"])
            #expect(try LostStore.read(path) == lost.bytes)
            let made = try LostStore.read(target)
            #expect {
                try Salvage(path: path).run(into: target)
            } throws: { error in
                if case StoreError.targetNotEmpty? = error as? StoreError { true } else { false }
            }
            #expect(throws: (any Error).self) { try Salvage(path: path).run(into: path) }
            #expect(throws: (any Error).self) { try Salvage(path: root + "/none").run(into: root + "/new.db") }
            #expect(try LostStore.read(path) == lost.bytes)
            #expect(try LostStore.read(target) == made)
            #expect(!FileManager.default.fileExists(atPath: root + "/new.db"))
        }
    }

    /// Also before it was ever opened.
    @Test func `what was made is the store, and a copy of it is a copy`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 10)
            let (_, target, _) = try lost.salvage(root, main: lost.bytes)
            try FileManager.default.copyItem(atPath: target, toPath: root + "/cp.db")
            await #expect(throws: StoreError.copied(place: root + "/cp.db")) {
                try await Metastore.open(.sqlite(root + "/cp.db"))
            }
            await (try await Metastore.open(.sqlite(target))).close()
        }
    }

    @Test func `who followed the lost store is told that histories part`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 10)
            let before = try await Metastore.open(.sqlite(lost.path))
            _ = try await before.keyValue.put("n/lost", "1")
            let position = before.position
            await before.close()
            let (_, target, _) = try lost.salvage(root, main: lost.bytes)
            let store = try await Metastore.open(.sqlite(target))
            _ = try await store.keyValue.put("n/other", "1")
            await #expect {
                for try await _ in store.changes(after: position) { break }
            } throws: { error in
                if case StoreError.forked? = error as? StoreError { true } else { false }
            }
            await store.close()
        }
    }

    @Test func `a row whose parent is lost stands in a file beside the new store, with the reason`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 10, isCompacted: true)
            // The only row of the page of pools: what belongs to it goes too.
            var bytes = lost.bytes
            for place in bytes.indices.dropLast(3) where bytes[place..<place + 3].elementsEqual("p4d".utf8) {
                bytes[place] ^= 1
            }
            let (_, target, report) = try lost.salvage(root, main: bytes)
            let outcome = try await Outcome(lost, target, report)
            #expect(outcome.there < outcome.of)
            let pools = try #require(report.rows.first { $0.kind == RecordKind.pool.name })
            #expect(pools.recovered == 0 && pools.doubtful == 1 && !pools.isWhole)
            let agents = try #require(report.rows.first { $0.kind == RecordKind.agent.name })
            #expect(agents.recovered == 0 && agents.aside == 1)
            let file = try #require(report.asideFile)
            let lines = String(decoding: try LostStore.read(file), as: UTF8.self).split(separator: "\n")
            #expect(lines.contains { $0.contains("its pool is lost") && $0.contains("agents/agent%2F1") })
            var status = stat()
            #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    /// Such rows prove themselves as well as this store's do.
    @Test func `rows of another store in its pages are known by the log`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 900)
            let place = root + "/other/lost.db"
            _ = try await LostStore(root + "/other", rows: 100)
            let store = try await Metastore.open(.sqlite(place))
            _ = try await store.keyValue.put("foreign/1", "not of this store")
            #expect(store.position.revision < lost.contents.revision)
            await store.close()
            var bytes = lost.bytes
            let leaf = try #require(
                stride(from: 0, to: bytes.count, by: 4_096).first { place in
                    bytes[place] == 10 && Self.find("value 57", in: bytes[place..<place + 4_096]) != nil
                })
            bytes[try #require(Self.find("value 57", in: bytes[leaf..<leaf + 4_096]))] ^= 1
            bytes += try LostStore.read(place)
            let (_, target, report) = try lost.salvage(root, main: bytes)
            let outcome = try await Outcome(lost, target, report)
            #expect(outcome.there == outcome.of && outcome.older == 0 && outcome.resurrected == 0)
            #expect(report.cluster == lost.cluster)
            let entries = try #require(report.rows.first { $0.kind == RecordKind.keyValue.name })
            #expect(entries.isWhole && entries.rebuilt > 0 && entries.aside > 0)
            let file = String(decoding: try LostStore.read(try #require(report.asideFile)), as: UTF8.self)
            #expect(file.contains("kv/foreign/1"))
        }
    }

    /// A free page keeps what it held. Nothing but the list of free pages and the log tell that it was deleted.
    @Test func `what was deleted doesn't come back, whatever else is lost`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 10, deleted: 500, isCompacted: true)
            var bytes = lost.bytes
            let leaf = try #require(
                stride(from: 0, to: bytes.count, by: 4_096).first { place in
                    bytes[place] == 10 && Self.find("value 17", in: bytes[place..<place + 4_096]) != nil
                })
            bytes[try #require(Self.find("value 17", in: bytes[leaf..<leaf + 4_096]))] ^= 1
            #expect(Self.find("deleted later", in: bytes[...]) != nil, "free pages must hold deleted rows")
            let (_, target, report) = try lost.salvage(root, main: bytes)
            let outcome = try await Outcome(lost, target, report)
            #expect(outcome.there == outcome.of - 1 && outcome.resurrected == 0)
            #expect(report.pages.free > 0)
        }
    }

    @Test func `of two rows of one key the later one is taken, wherever it lies`() async throws {
        try await withScratch { root in
            let lost = try await LostStore(root, rows: 400)
            let store = try await Metastore.open(.sqlite(lost.path))
            try await store.write { tx in
                for number in 10..<400 {
                    try tx.keyValue.put(EntryKey(namespace: "more", key: "\(number)"), "changed \(number)")
                }
            }
            for number in 0..<3 { _ = try await store.keyValue.put("n/after", "\(number)") }
            await store.close()
            try LostStore.compact(lost.path)
            var bytes = try LostStore.read(lost.path)
            let leaf = try #require(
                stride(from: 0, to: bytes.count, by: 4_096).first { place in
                    bytes[place] == 10 && Self.find("changed 57", in: bytes[place..<place + 4_096]) != nil
                })
            bytes[try #require(Self.find("changed 57", in: bytes[leaf..<leaf + 4_096]))] ^= 1
            // Behind the end of the database lies what it was before.
            let (_, target, report) = try lost.salvage(root, main: bytes + lost.bytes, hasNote: false)
            #expect(report.findings.isEmpty)
            let salvaged = try await Metastore.open(.sqlite(target))
            for number in 10..<400 where number != 57 {
                #expect(
                    try await salvaged.keyValue.get(EntryKey(namespace: "more", key: "\(number)"))?.value
                        == Array("changed \(number)".utf8))
            }
            // Its last version is lost: what is there is older, and told to be.
            #expect(
                try await salvaged.keyValue.get(EntryKey(namespace: "more", key: "57"))?.value == Array("value 57".utf8)
            )
            await salvaged.close()
            let file = String(decoding: try LostStore.read(try #require(report.asideFile)), as: UTF8.self)
            #expect(file.contains("\"kv/more/57\"") && report.rows.contains { $0.kind == "kv" && $0.unconfirmed > 0 })
        }
    }

    private static func find(_ text: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let wanted = Array(text.utf8)
        return bytes.indices.first { bytes[$0] == wanted[0] && bytes[$0...].starts(with: wanted) }
    }
}
