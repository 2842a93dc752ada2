import FoundationEssentials

/// A state that is kept between runs, as JSON that says what it is and in which version.
package protocol SnapshotState: Codable {
    /// What it is.
    static var kind: String { get }
    /// The version this code writes, and the newest it reads.
    static var version: Int { get }
}

/// Why a snapshot wasn't read. None of these means "there is no snapshot": a search must not begin anew
/// because of one.
package enum SnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It was written by newer code. The data is intact.
    case newerVersion(kind: String, found: Int, readsUpTo: Int)
    /// It is a snapshot of something else.
    case otherKind(expected: String, found: String)
    /// It isn't what was once written.
    case damaged(kind: String)
    /// It is longer than any snapshot this code writes.
    case tooLarge(bytes: Int, bytesMax: Int)

    package var description: String {
        switch self {
        case .newerVersion(let kind, let found, let readsUpTo):
            "the \(kind) snapshot has version \(found), this program reads up to \(readsUpTo). "
                + "The data is intact: do not delete it; go on with the program that wrote it, or a newer one"
        case .otherKind(let expected, let found):
            "this is a snapshot of a \(found), not of a \(expected)"
        case .damaged(let kind):
            "the \(kind) snapshot is damaged. Do not delete it: the log still holds its earlier versions"
        case .tooLarge(let bytes, let bytesMax):
            "the snapshot has \(bytes) bytes; at most \(bytesMax) are read"
        }
    }
}

extension SnapshotState {
    /// The longest snapshot that is read.
    package static var bytesMax: Int { 64 << 20 }

    /// The snapshot: JSON with sorted keys, so that equal states have equal bytes.
    package func snapshot() -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let bytes = try encoder.encode(Envelope(kind: Self.kind, version: Self.version, state: self))
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            preconditionFailure("a state holds only what JSON can: \(error)")
        }
    }

    /// Reads what ``snapshot()`` wrote. The version is looked at before anything else.
    package init(snapshot: String) throws(SnapshotError) {
        let bytes = Data(snapshot.utf8)
        guard bytes.count <= Self.bytesMax else {
            throw .tooLarge(bytes: bytes.count, bytesMax: Self.bytesMax)
        }
        guard let header = try? JSONDecoder().decode(Header.self, from: bytes) else {
            throw .damaged(kind: Self.kind)
        }
        guard header.kind == Self.kind else { throw .otherKind(expected: Self.kind, found: header.kind) }
        guard header.version <= Self.version else {
            throw .newerVersion(kind: Self.kind, found: header.version, readsUpTo: Self.version)
        }
        guard let envelope = try? JSONDecoder().decode(Envelope<Self>.self, from: bytes) else {
            throw .damaged(kind: Self.kind)
        }
        self = envelope.state
    }
}

private struct Header: Codable {
    let kind: String
    let version: Int
}

private struct Envelope<State: Codable>: Codable {
    let kind: String
    let version: Int
    let state: State
}
