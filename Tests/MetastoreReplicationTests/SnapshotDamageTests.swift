internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// What lies in an archive was damaged, cut, or written by somebody who lies.
@Suite(.serialized, .timed) struct `A damaged archive` {
    private static let way = Way(from: .disk, to: .disk)

    private func replace(_ name: ArchiveName, by bytes: [UInt8]?, in target: any ArchiveTarget) async throws {
        try await target.remove(name)
        guard let bytes else { return }
        #expect(try await target.create(name, bytes) == .created)
    }

    /// Objects of every class, each struck in every way: restoring says which, or gives the state that was there.
    @Test func `gives the state that was there, or says which object is damaged`() async throws {
        var random = Seeded("damaged objects")
        try await withArchivedStore(Self.way, stretches: 2, bound: 1_500, name: "damage") { store, place in
            let last = store.records.last!.revision
            try await Labels(store.line).add("here", at: store.snapshots[1].id.revision, text: "before the upgrade")
            let expected = try await store.contents(at: last)
            let all = try await names(store.line)
            var (refused, untouched) = (0, 0)
            for number in 0..<Seeded.count(800, least: 40) {
                let name = try #require(all.randomElement(using: &random))
                let bytes = try #require(try await store.line.target.read(name, limit: .max))
                let other = try #require(
                    try await store.line.target.read(all.randomElement(using: &random)!, limit: .max))
                let damage = ObjectDamage.allCases.randomElement(using: &random)!
                let isGone = Int.random(in: 0..<12, using: &random) == 0
                let struck = isGone ? nil : damage.strike(bytes, other, &random)
                guard struck != bytes else { continue }
                try await replace(name, by: struck, in: store.line.target)
                let made = try place("made-\(number)")
                let isLabel = name.description.contains("/labels/")
                let point: Restore.Point = isLabel ? .label("here") : .newest
                do {
                    let report = try await Restore(store.line).run(to: made, at: point)
                    untouched += 1
                    // It wasn't needed: another snapshot, or what the snapshot holds; or the end of the line is gone.
                    let revision = report.state.revision
                    let twin = revision == last ? expected : try await store.contents(at: revision)
                    let opened = try await Metastore.open(made)
                    #expect(try await opened.contents() == twin, "\(name) \(damage)")
                    await opened.close()
                } catch let error as ArchiveError {
                    refused += 1
                    let isMissing = isGone || struck.map(\.isEmpty) == true
                    #expect(
                        "\(error)".contains(name.description) || isMissing || "\(error)".contains("cluster"),
                        "\(name) \(damage): \(error)")
                    let probe = try made.makeEngine(EngineOptions())
                    #expect(try probe.prepare() == .nothing)
                    probe.close()
                }
                try await replace(name, by: bytes, in: store.line.target)
            }
            #expect(refused > 0 && untouched > 0, "\(refused) refused, \(untouched) untouched")
        }
    }

    /// A damaged snapshot is passed over only when that was wanted, and told.
    @Test func `is restored from an earlier snapshot when told to`() async throws {
        try await withArchivedStore(Self.way, stretches: 2, name: "earlier") { store, place in
            let (last, newest) = (store.records.last!.revision, store.snapshots[1].id)
            let manifest = try #require(try await store.line.manifest(newest))
            let part = store.line.names.part(newest, attempt: manifest.attempt, number: 0)
            var bytes = try #require(try await store.line.target.read(part, limit: .max))
            bytes[bytes.count / 2] ^= 4
            let earlier = Restore.options { $0.damagedSnapshot = .takeEarlier }
            for damaged in [part, store.line.names.manifest(newest)] {
                let whole = try #require(try await store.line.target.read(damaged, limit: .max))
                var struck = whole
                struck[struck.count / 2] ^= 4
                try await replace(damaged, by: struck, in: store.line.target)
                let error = await #expect(throws: ArchiveError.self) {
                    try await Restore(store.line).run(to: try place("none-\(damaged.words.count)"), at: .newest)
                }
                #expect("\(String(describing: error))".contains(damaged.description))
                let made = try place("made-\(damaged.words.count)")
                let report = try await Restore(store.line, earlier).run(to: made, at: .newest)
                #expect(report.snapshot == store.snapshots[0].id)
                #expect(report.passedOver[newest]?.contains(damaged.description) == true)
                try await expectState(made, of: store, at: last)
                let check = await #expect(throws: ArchiveError.self) {
                    try await ArchiveCheck(store.line).run(in: .inMemory())
                }
                #expect("\(String(describing: check))".contains(damaged.description))
                try await replace(damaged, by: whole, in: store.line.target)
            }
            let report = try await ArchiveCheck(store.line).run(in: .inMemory())
            #expect(report.snapshots.count == 2 && report.revision == last)
        }
    }

    /// Somebody who knows the format changes a row, and makes every checksum right.
    @Test func `that lies about a row is found out by the row's hash, or the digest`() async throws {
        try await withArchivedStore(Self.way, stretches: 1, name: "lies") { store, place in
            let id = store.snapshots[0].id
            let manifest = try #require(try await store.line.manifest(id))
            let name = store.line.names.part(id, attempt: manifest.attempt, number: 0)
            let bytes = try #require(try await store.line.target.read(name, limit: .max))
            let part = try SnapshotPart(bytes, named: "part", of: manifest, number: 0)
            var content = part.content
            // A letter of an experiment's name.
            let text = Array("mnist".utf8)
            let found = content.indices.first { content[$0...].starts(with: text) }
            let place0 = try #require(found)
            content[place0] = UInt8(ascii: "k")
            let lie = SnapshotPart(cluster: part.cluster, snapshot: id, number: 0, content: content).bytes
            var parts = manifest.parts
            parts[0] = .init(content: content.count, stored: lie.count, hash: SnapshotManifest.hash(lie))
            let lying = SnapshotManifest(
                form: manifest.form, attempt: manifest.attempt, anchor: manifest.anchor, head: manifest.head,
                tables: manifest.tables, parts: parts)
            try await replace(name, by: lie, in: store.line.target)
            let half = await #expect(throws: ArchiveError.self) {
                try await Restore(store.line).run(to: try place("half"), at: .newest)
            }
            let words = "\(String(describing: half))"
            #expect(words.contains(name.description), "\(words)")
            #expect(
                words.contains("another hash than its manifest says") || words.contains("bytes, and none"), "\(words)")
            try await replace(store.line.names.manifest(id), by: lying.bytes, in: store.line.target)
            let error = await #expect(throws: ArchiveError.self) {
                try await Restore(store.line).run(to: try place("made"), at: .newest)
            }
            #expect(
                "\(String(describing: error))".contains(name.description)
                    && "\(String(describing: error))".contains("hash"), "\(String(describing: error))")
        }
    }

    /// Every checksum of a segment is right, and a digest in its footer isn't.
    @Test func `that lies about a digest is found out by the rows`() async throws {
        try await withArchivedStore(Self.way, stretches: 1, bound: 1_000, name: "lying digests") { store, place in
            let history = try #require(try await ArchiveHistory(store.line))
            let last = store.records.last!.revision
            let place0 = try #require(history.place(before: Revision(rawValue: last.rawValue - 1)))
            guard case .segment(let segment) = try await store.line.object(after: place0) else { throw Failure("none") }
            var digests = segment.footer.digests
            let kind = try #require(digests.keys.first)
            digests[kind] = digests[kind]! &+ 1
            let lie = Segment(
                cluster: store.line.cluster, segment.records, after: segment.header.previous, digests: digests)
            let name = store.line.name(after: place0)
            try await replace(name, by: lie.bytes, in: store.line.target)
            let error = await #expect(throws: ArchiveError.self) {
                try await Restore(store.line).run(to: try place("made"), at: .newest)
            }
            #expect("\(String(describing: error))".contains(name.description), "\(String(describing: error))")
        }
    }

    /// Sizes that lie, and bombs, take no memory.
    @Test func `that declares what it doesn't have takes no memory`() throws {
        func seal(_ bytes: inout CanonicalWriter, since start: Int) {
            withUnsafeBytes(of: Checksum.of(bytes.bytes, start..<bytes.bytes.count).bigEndian) { bytes.raw($0) }
        }
        var random = Seeded("lying parts")
        let manifest = try SnapshotManifest.made(
            parts: [.init(content: 50 << 20, stored: 1_000, hash: Array(repeating: 0, count: 32))], &random)
        #expect(try SnapshotManifest(manifest.bytes, named: "m") == manifest)
        var header = CanonicalWriter()
        header.raw("MSSP".utf8)
        header.byte(1)
        header.uuid(manifest.head.cluster)
        header.number(UInt64(manifest.id.epoch))
        header.number(UInt64(manifest.id.revision.rawValue))
        header.byte(0)
        header.number(0)
        header.number(50 << 20)
        seal(&header, since: 0)
        var error: ArchiveError?
        let growth = try Memory.growth {
            do throws(ArchiveError) {
                _ = try SnapshotPart(header.bytes, named: "part", of: manifest, number: 0)
            } catch let caught { error = caught }
        }
        #expect(
            error?.description.contains("too few bytes") == true && growth < 8 << 20, "\(String(describing: error))")
        // A bomb in the first block.
        let (_, bomb) = Compression.compress(Array(repeating: 0, count: 64 << 20))
        var bombed = header
        let start = bombed.bytes.count
        bombed.byte(1)
        bombed.blob(bomb)
        seal(&bombed, since: start)
        let more = try Memory.growth {
            do throws(ArchiveError) {
                _ = try SnapshotPart(bombed.bytes, named: "part", of: manifest, number: 0)
            } catch let caught { error = caught }
        }
        #expect(error?.description.contains("no valid header") == true, "\(String(describing: error))")
        // The content's place is reserved once the object has bytes for it, and no more than the cap.
        #expect(more < Limits.snapshotPartContentBytes + (8 << 20))
        // A manifest with parts that aren't there.
        var bytes = manifest.bytes
        bytes.removeLast(4 + 32 + 5)
        #expect(throws: ArchiveError.self) { try SnapshotManifest(bytes, named: "m") }
    }

    /// Bytes of every object's class, struck a thousand times each: an error with the name, or the same object.
    @Test func `is told by every reader`() throws {
        var random = Seeded("readers")
        let manifest = try SnapshotManifest.made(
            parts: (0..<3).map { .init(content: $0 + 1, stored: 100, hash: Array(repeating: 7, count: 32)) }, &random)
        let part = SnapshotPart(
            cluster: manifest.head.cluster, snapshot: manifest.id, number: 1, content: [1, 2])
        let epoch = EpochRecord.beginning(of: manifest.head.cluster, in: manifest.head.epoch)
        let kept = KeptRecord(number: 3, epoch: epoch, revision: 4, chain: manifest.head.chain)
        let label = LabelRecord(
            name: "a", cluster: manifest.head.cluster, epoch: manifest.head.epoch, revision: 4,
            chain: manifest.head.chain, time: Timestamp(microseconds: 5), text: "x")
        let readers: [([UInt8], ([UInt8]) throws(ArchiveError) -> [UInt8])] = [
            (manifest.bytes, { (bytes) throws(ArchiveError) in try SnapshotManifest(bytes, named: "it").bytes }),
            (
                part.bytes,
                { (bytes) throws(ArchiveError) in try SnapshotPart(bytes, named: "it", of: manifest, number: 1).bytes }
            ),
            (kept.bytes, { (bytes) throws(ArchiveError) in try KeptRecord(bytes, named: "it").bytes }),
            (label.bytes, { (bytes) throws(ArchiveError) in try LabelRecord(bytes, named: "it").bytes }),
        ]
        for (bytes, read) in readers {
            #expect(try read(bytes) == bytes)
            for _ in 0..<Seeded.count(20_000, least: 1_000) {
                let damage = ObjectDamage.allCases.randomElement(using: &random)!
                let struck = damage.strike(bytes, readers.randomElement(using: &random)!.0, &random)
                guard struck != bytes else { continue }
                do throws(ArchiveError) {
                    let found = try read(struck)
                    Issue.record("\(damage) was taken: \(found.count) bytes")
                } catch {
                    #expect(error.description.hasPrefix("it"), "\(error)")
                }
            }
        }
    }
}

extension SnapshotManifest {
    /// Of a store that isn't there.
    static func made(parts: [Part], _ random: inout Seeded) throws -> SnapshotManifest {
        let cluster = random.uuid()
        let link = Array(repeating: UInt8(9), count: 32)
        var row: [Value] = []
        for column in SnapshotTable.head.columns {
            switch (column.name, column.type) {
            case ("chain", _), ("compacted_chain", _): row.append(.bytes(link))
            case ("digests", _): row.append(.bytes(Array(repeating: 3, count: 320)))
            case ("cluster", _): row.append(.uuid(cluster))
            case ("compacted_revision", _): row.append(.integer(0))
            case ("revision", _): row.append(.integer(50))
            case (_, .timestamp): row.append(.timestamp(1_760_000_000_000_000))
            default: row.append(.integer(1))
            }
        }
        guard let head = SnapshotHead(row: row) else { throw Failure("no head row") }
        return SnapshotManifest(
            form: .portable, attempt: random.next(),
            anchor: ArchivePlace(epoch: head.epoch, revision: 40, chain: link), head: head,
            tables: SnapshotTable.all(of: 2).map { table in
                TableShape(
                    name: table.name, columns: table.columns.map { .init(name: $0.name, type: $0.type) }, rows: 1)
            }, parts: parts)
    }
}
