// Invariants
// 1. Nothing is written to the archive, and nothing of it is changed: what is left out or put in its place is so for
//    this reader alone.
// 2. What was left out is remembered, with the reason.

internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import Synchronization

/// What is wrong with an object of an archive.
struct ObjectDamage: Sendable, Hashable, Encodable, CustomStringConvertible {
    let object: String
    /// The byte where it was found.
    let offset: Int
    let reason: String

    var description: String {
        offset > 0 ? "\(object) is damaged at byte \(offset): \(reason)" : "\(object): \(reason)"
    }
}

/// An archive's target without the objects that are damaged: whoever reads it finds the line ended before them.
final class MendedTarget: ArchiveTarget {
    private struct State {
        /// In the order in which they were found.
        var damages: [ObjectDamage] = []
        var leftOut: Set<ArchiveName> = []
        var substitutes: [ArchiveName: [UInt8]] = [:]
    }

    /// What the line is made of, and what says where it begins and which of its revisions are labelled.
    private static let kinds: Set<Substring> = ["log", "merged", "merges", "kept", "beginning", "labels"]

    private let target: any ArchiveTarget
    private let state = Mutex(State())

    init(_ target: any ArchiveTarget) { self.target = target }

    var place: String { target.place }
    var damages: [ObjectDamage] { state.withLock { $0.damages } }

    /// Takes note of damage, once of each object.
    func note(_ damage: ObjectDamage) {
        state.withLock { state in
            if !state.damages.contains(where: { $0.object == damage.object }) { state.damages.append(damage) }
        }
    }

    /// Leaves the object out that an error is about, if it is one of ``kinds``.
    ///
    /// - Returns: false where it isn't, or was left out before: trying again would end the same.
    func leaveOut(_ error: ArchiveError) -> Bool {
        guard case .damaged(let object, let offset, let reason) = error, let name = ArchiveName(object),
            name.words.count > 1, Self.kinds.contains(name.words[1]),
            state.withLock({ $0.leftOut.insert(name).inserted })
        else { return false }
        note(ObjectDamage(object: object, offset: offset, reason: reason))
        return true
    }

    /// From now on this is read under a name; nil to read what is there again.
    func substitute(_ bytes: [UInt8]?, for name: ArchiveName) { state.withLock { $0.substitutes[name] = bytes } }

    func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]? {
        let (substitute, isLeftOut) = state.withLock { ($0.substitutes[name], $0.leftOut.contains(name)) }
        if let substitute { return substitute }
        guard !isLeftOut else { return nil }
        do throws(ArchiveError) {
            return try await target.read(name, limit: limit)
        } catch {
            switch error {
            case .tooLarge(_, let bytes, let limit):
                throw .damaged(
                    object: name.description, offset: 0,
                    reason: "it has \(bytes) bytes, and none has more than \(limit)")
            case .unavailable(_, let reason) where reason.contains(String(cString: strerror(EIO))):
                // A sector of a dying device: the others can be read.
                throw .damaged(object: name.description, offset: 0, reason: "it can't be read: \(reason)")
            default: throw error
            }
        }
    }

    func list(under name: ArchiveName, after: ArchiveName?, limit: Int) async throws(ArchiveError) -> [ArchiveName] {
        try await target.list(under: name, after: after, limit: limit)
    }

    func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation { throw refusal }
    func remove(_ name: ArchiveName) async throws(ArchiveError) { throw refusal }
    private var refusal: ArchiveError { .refused(place: place, reason: "it is only looked at") }
}
