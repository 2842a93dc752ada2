internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// A snapshot on its way, frame by frame.
struct SentFrames {
    let cluster: UUID
    var beginning: SnapshotManifest
    var parts: [SnapshotPart]
    var manifest: SnapshotManifest
    /// Segments of the log that the rows hold already.
    var log: [[UInt8]]

    /// What a store sends.
    static func all(of store: Metastore) async throws -> [[UInt8]] {
        let snapshot = SentSnapshot(of: store, within: .seconds(60))
        var frames: [[UInt8]] = []
        while let frame = try await snapshot.next() { frames.append(frame) }
        return frames
    }

    /// The same rows in parts of few rows each, as a store a thousand times its size would send them.
    init(of store: Metastore, rowsPerPart: Int = 10) async throws {
        let frames = try await Self.all(of: store)
        beginning = try SnapshotManifest(frames[0], named: "beginning")
        let end = try #require(frames.lastIndex { $0.starts(with: "MSSM".utf8) })
        manifest = try SnapshotManifest(frames[end], named: "manifest")
        log = Array(frames[(end + 1)...].dropLast())
        cluster = manifest.head.cluster
        var rows: [(table: Int, row: [Value])] = []
        for number in manifest.parts.indices {
            let part = try SnapshotPart(frames[1 + number], named: "part", of: manifest, number: number)
            try part.forEachTable(manifest.tables, named: "part") { table, found in
                rows += found.map { (table, $0) }
            }
        }
        parts = []
        while !rows.isEmpty {
            var content = CanonicalWriter()
            var last: Int?
            for (table, row) in rows.prefix(rowsPerPart) {
                content.byte(last == table ? 0 : 1)
                if last != table { content.number(UInt64(table)) }
                last = table
                for value in row { content.value(value) }
            }
            rows = Array(rows.dropFirst(rowsPerPart))
            parts.append(
                SnapshotPart(cluster: cluster, snapshot: manifest.id, number: parts.count, content: content.bytes))
        }
        seal()
    }

    /// The manifest says what the parts are.
    mutating func seal() {
        manifest = SnapshotManifest(
            form: manifest.form, attempt: manifest.attempt, anchor: manifest.anchor, head: manifest.head,
            tables: manifest.tables,
            parts: parts.map { part in
                let bytes = part.bytes
                return .init(content: part.content.count, stored: bytes.count, hash: SnapshotManifest.hash(bytes))
            })
    }

    var frames: [[UInt8]] { [beginning.bytes] + parts.map(\.bytes) + [manifest.bytes] + log + [[]] }
    /// Which frame has the whole manifest.
    var end: Int { parts.count + 1 }

    /// The bytes of a part's content, changed.
    mutating func change(part number: Int, _ change: (inout [UInt8]) throws -> Void) rethrows {
        var content = parts[number].content
        try change(&content)
        parts[number] = SnapshotPart(cluster: cluster, snapshot: manifest.id, number: number, content: content)
    }
}

extension [[UInt8]] {
    /// As they go over the network.
    var bytes: [UInt8] { flatMap { FrameCutter.frame($0) } }
}

/// Fills an empty place, as a follower of a server does, with whatever came.
func fill(_ place: EngineSource, of cluster: UUID, with bytes: [UInt8], chunk: Int = 10_000) async throws -> Position {
    try await ReplicaFilling(of: cluster, StoreOptions()).run(to: place) { _ in
    } _: { intake in
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            try await intake.add(Array(bytes[start..<Swift.min(start + chunk, bytes.count)]))
        }
    }
}

/// Makes sure that both hold the same, and that the one's log is the end of the other's.
func expectSameState(
    _ found: StoreContents, _ expected: StoreContents, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.rows == expected.rows, sourceLocation: sourceLocation)
    #expect(found.digests == expected.digests && found.digestsOfRows == found.digests, sourceLocation: sourceLocation)
    #expect(
        found.counters == expected.counters && found.revision == expected.revision && found.damagedRows.isEmpty,
        sourceLocation: sourceLocation)
    #expect(
        expected.links.suffix(found.links.count) == found.links[...]
            || found.links.suffix(expected.links.count)
                == expected.links[...],
        sourceLocation: sourceLocation)
}
