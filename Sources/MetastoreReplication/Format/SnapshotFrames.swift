// Invariants (docs/FORMAT.md says the same)
// 1. The manifest comes twice: first with what is about to come, without parts and counts, and last with all of it.
//    Both say the same moment of the same store.
// 2. Between them come its parts, each the next one: none is missing, doubled, or another's.
// 3. After the last manifest, which proves every part, come the segments from its anchor to its head, without a hole.
// 4. It is whole once the empty frame has come after them. Nothing comes after that.

package import Metastore
package import MetastoreEngine
internal import MetastoreModel

/// A portable snapshot on the network: as in an archive, object by object, in frames.
package struct SnapshotFrames: Sendable {
    /// What a frame brought.
    package enum Piece: Sendable {
        /// What is about to come.
        case beginning(SnapshotManifest)
        /// The rows of a part, those of one table at a time.
        case rows([(table: Int, rows: [[Value]])], part: Int)
        /// All parts came, and are what they were.
        case manifest(SnapshotManifest)
        /// Records of the log that the rows hold already.
        case log([LogRecord])
        case end
    }

    private enum Stage {
        case nothing
        case parts(SnapshotManifest)
        /// Up to which revision the log came, and its link.
        case log(SnapshotManifest, Revision, [UInt8])
        case ended
    }

    private var stage = Stage.nothing
    private var parts: [SnapshotManifest.Part] = []
    private var rows: [Int64] = []
    private var lastTable = 0

    package init() {}

    /// Reads the next frame.
    ///
    /// - Throws: ``LogSourceError``: `damaged` naming the part and the byte; `unavailable` with what the sender says
    ///   where it can't go on.
    package mutating func next(_ frame: [UInt8]) throws(LogSourceError) -> Piece {
        if let reason = Self.refusal(in: frame) {
            throw .unavailable(reason: "it ended its snapshot after \(count): \(reason)")
        }
        switch stage {
        case .nothing: return try begin(frame)
        case .parts(let manifest) where frame.starts(with: SnapshotManifest.magic): return try end(frame, manifest)
        case .parts(let manifest): return try part(frame, manifest)
        case .log(let manifest, let revision, let chain) where frame.isEmpty:
            guard revision == manifest.head.revision, chain == manifest.head.chain else {
                throw damage("its log ends at revision \(revision), and it is of revision \(manifest.head.revision)")
            }
            stage = .ended
            return .end
        case .log(let manifest, let revision, let chain): return try log(frame, manifest, after: revision, chain)
        case .ended: throw damage("something follows its end")
        }
    }

    /// Nothing more comes.
    ///
    /// - Throws: ``LogSourceError/unavailable(reason:)`` where that is too early.
    package func finish() throws(LogSourceError) {
        guard case .ended = stage else { throw .unavailable(reason: "its snapshot was cut off after \(count)") }
    }

    /// Up to where it came, for messages.
    private var count: String { parts.count == 1 ? "1 part" : "\(parts.count) parts" }

    private func damage(_ reason: String) -> LogSourceError { .damaged(reason: "the snapshot: \(reason)") }

    private mutating func begin(_ frame: [UInt8]) throws(LogSourceError) -> Piece {
        let manifest = try Self.manifest(frame, named: "the beginning of the snapshot")
        guard manifest.form == .portable, manifest.parts.isEmpty, manifest.tables.allSatisfy({ $0.rows == 0 }) else {
            throw damage("it doesn't begin as one that is about to come")
        }
        rows = manifest.tables.map { _ in 0 }
        stage = .parts(manifest)
        return .beginning(manifest)
    }

    private mutating func part(_ frame: [UInt8], _ manifest: SnapshotManifest) throws(LogSourceError) -> Piece {
        let (number, name) = (parts.count, "part \(parts.count) of the snapshot")
        guard number < Limits.snapshotParts else { throw damage("it has more parts than any can have") }
        var tables: [(table: Int, rows: [[Value]])] = []
        do {
            let part = try SnapshotPart(frame, named: name, of: manifest, number: number, content: nil)
            parts.append(
                SnapshotManifest.Part(
                    content: part.content.count, stored: frame.count, hash: SnapshotManifest.hash(frame)))
            try part.forEachTable(manifest.tables, named: name) { table, rows in tables.append((table, rows)) }
        } catch {
            throw Self.damage(error)
        }
        for (table, found) in tables {
            guard table >= lastTable else { throw .damaged(reason: "\(name): its tables are out of order") }
            lastTable = table
            rows[table] += Int64(found.count)
        }
        return .rows(tables, part: number)
    }

    private mutating func end(_ frame: [UInt8], _ beginning: SnapshotManifest) throws(LogSourceError) -> Piece {
        let manifest = try Self.manifest(frame, named: "the manifest of the snapshot")
        let expected = SnapshotManifest(
            form: beginning.form, attempt: beginning.attempt, anchor: beginning.anchor, head: beginning.head,
            tables: zip(beginning.tables, rows).map { shape, rows in
                SnapshotManifest.TableShape(name: shape.name, columns: shape.columns, rows: rows)
            }, parts: manifest.parts)
        guard manifest.parts == parts else {
            let number = zip(manifest.parts, parts).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            throw damage(
                number.map { "part \($0) is another than its manifest says" }
                    ?? "\(count) came, and its manifest has \(manifest.parts.count)")
        }
        guard manifest == expected else { throw damage("its manifest is of another moment, or counts other rows") }
        stage = .log(manifest, manifest.anchor.revision, manifest.anchor.chain)
        return .manifest(manifest)
    }

    private mutating func log(
        _ frame: [UInt8], _ manifest: SnapshotManifest, after revision: Revision, _ chain: [UInt8]
    ) throws(LogSourceError) -> Piece {
        let segment: Segment
        do throws(ArchiveError) {
            segment = try Segment(frame, named: "the log of the snapshot after revision \(revision)")
        } catch {
            throw Self.damage(error)
        }
        guard segment.header.cluster == manifest.head.cluster, segment.header.first.rawValue == revision.rawValue + 1,
            segment.header.previous == chain, let last = segment.records.last, last.revision <= manifest.head.revision
        else { throw damage("its log doesn't go on after revision \(revision)") }
        stage = .log(manifest, last.revision, last.chain)
        return .log(segment.records)
    }

    private static func manifest(_ frame: [UInt8], named name: String) throws(LogSourceError) -> SnapshotManifest {
        do throws(ArchiveError) {
            return try SnapshotManifest(frame, named: name)
        } catch {
            throw damage(error)
        }
    }

    /// Nothing of it lies in an archive.
    private static func damage(_ error: any Error) -> LogSourceError {
        guard case ArchiveError.damaged(let object, let offset, let reason) = error else {
            return LogSourceError(error)
        }
        return .damaged(reason: "\(object), byte \(offset): \(reason)")
    }

    // MARK: A sender that can't go on

    /// The frame that says why nothing more comes.
    package static func refusal(_ error: any Error) -> [UInt8] {
        Array(("{\"error\":\"snapshot\",\"message\":" + JSON.quoted("\(error)") + "}").utf8)
    }

    private static func refusal(in frame: [UInt8]) -> String? {
        guard frame.first == UInt8(ascii: "{") else { return nil }
        let object = try? JSONObject(parsing: String(decoding: frame.prefix(1 << 16), as: UTF8.self))
        return object?["message"]?.string ?? "it doesn't say why"
    }
}
