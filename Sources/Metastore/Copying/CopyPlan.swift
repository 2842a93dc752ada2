internal import MetastoreEngine
internal import MetastoreModel

/// The head row that is copied.
struct CopiedHead: Sendable {
    let head: Head
    /// Its columns, as ``CopiedTable/head`` has them.
    let row: [Value]
    /// Whose writes the store takes: a copy of a follower is one.
    let role: StoreRole

    /// Everything it says but whether the store was closed cleanly: equal exactly when nothing was committed in
    /// between, not even what makes no revision.
    var identity: [UInt8] {
        var bytes = CanonicalWriter()
        for (index, value) in row.enumerated() where index != CopiedTable.clean {
            bytes.field(UInt8(index + 1), value)
        }
        return bytes.bytes
    }

    /// The mark of a copy that has no row yet.
    func mark(run: Int64, first table: String) -> CopyMark {
        CopyMark(
            cluster: head.cluster, revision: head.revision, head: identity, run: run, table: table,
            digests: CopyCheck.digestsWithoutRows(head).bytes)
    }
}

/// What stands at a copy's target.
enum CopySight: Sendable {
    case nothing
    case unfinished(CopyMark, schema: Int64)
    case store(Head)
    /// Something else: what, in words.
    case other(String)
}

/// What a copy does about what it finds. Decided here, done by ``CopyRun``.
enum CopyPlan: Sendable {
    case begin
    case goOn(CopyMark)
    /// The source moved on since: what is there of the copy goes, and it begins anew in its place.
    case beginAnew(CopyMark, schema: Int64)
    /// The target is the finished copy: whoever made it ended before they could say so.
    case nothingToDo
    case refuse(StoreError)

    init(source: CopiedHead, found: CopySight, place: String) {
        switch found {
        case .nothing: self = .begin
        case .unfinished(let mark, let schema):
            if mark.cluster != source.head.cluster || schema > source.head.schema {
                self = .refuse(mark.error(place))
            } else if mark.head == source.identity {
                self = .goOn(mark)
            } else {
                self = .beginAnew(mark, schema: schema)
            }
        case .store(let head):
            self = head.holdsTheSame(as: source.head) ? .nothingToDo : .refuse(Self.taken(place, "a store"))
        case .other(let words): self = .refuse(Self.taken(place, words))
        }
    }

    private static func taken(_ place: String, _ words: String) -> StoreError {
        .targetNotEmpty(place: place, holds: words)
    }
}

extension Head {
    /// The same rows, ids and history, whatever happened around them.
    fileprivate func holdsTheSame(as other: Head) -> Bool {
        cluster == other.cluster && epoch == other.epoch && revision == other.revision && chain == other.chain
            && schema == other.schema && digests == other.digests && counters == other.counters
    }
}
