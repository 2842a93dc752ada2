// Invariants (a store that several servers may answer for: a failover leaves one behind that goes on answering)
// 1. What a handle has told of its store's history never gets less, unless it takes a replica back itself: the commits
//    it answered, the positions it read.
// 2. A commit is known here before it is answered.

internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// How far a handle has told of its store's history. A server that lacks any of it isn't read from.
final class KnownHistory: Sendable {
    struct State: Sendable {
        /// The newest position that was found at a server which had everything known until then.
        var read: Position
        /// The last commit of this handle.
        var committed: Position?
        var commits = 0
        /// How often the writer has connected anew.
        var writerMoves = 0
    }

    private let current: Mutex<State>
    private let place: String
    private let isReadOnly: Bool

    init(_ head: Position, of engine: any Engine) {
        current = Mutex(State(read: head))
        place = engine.place
        isReadOnly = engine.isReadOnly
    }

    var state: State { current.withLock { $0 } }

    func committed(_ position: Position) {
        current.withLock { state in
            state.committed = position
            state.commits += 1
        }
    }

    func writerMoved() { current.withLock { $0.writerMoves += 1 } }

    func read(_ position: Position) {
        current.withLock { state in
            if position.revision > state.read.revision { state.read = position }
        }
    }

    /// A replica was taken back: nothing after this position is known any more.
    func rewound(to position: Position) {
        current.withLock { state in
            state.read = position
            state.committed = nil
        }
    }

    /// Why a read can't be answered by a server that lacks what is known.
    func refusal(_ lack: Lack) -> StoreError {
        guard isReadOnly, lack.found < lack.known else {
            return .historyCut(expected: lack.known, found: lack.found)
        }
        return .unavailable(
            place: place,
            reason: """
                it is at revision \(lack.found.rawValue), and revision \(lack.known.rawValue) was read here before: it \
                lags behind, or was cut back
                """)
    }
}

/// What a server lacks: its history ends at `found`, or another one goes on where the known revision was.
struct Lack: Sendable, Hashable {
    let known: Revision
    let found: Revision
}

/// A server's history, as one look at it finds it.
struct FoundHistory {
    let head: Position
    /// The first known position that isn't in it.
    let lack: Lack?
}

extension Session {
    /// Looks for these positions in the history that this session sees.
    ///
    /// - Throws: ``StoreError/otherCluster``.
    func look(for known: Position, and other: Position) throws(StoreError) -> FoundHistory {
        let found = try first(
            SQL(trusted: "SELECT \(Position.headColumns), compacted_revision, compacted_chain, ") + """
                (SELECT chain FROM log WHERE revision = \(known.revision.rawValue)), \
                (SELECT chain FROM log WHERE revision = \(other.revision.rawValue)) FROM head WHERE id = 1
                """
        ) { row -> FoundHistory in
            let head = try Position(headRow: row)
            guard head.cluster == known.cluster else { throw StoreError.otherCluster }
            let compacted = Revision(rawValue: try row.integer(5))
            for (index, position) in [known, other].enumerated() where position.revision > .absent {
                let chain: [UInt8]?
                if position.revision < compacted {
                    // Cut off by age since: nothing more can be said of it.
                    if head.epoch.number >= position.epoch.number { continue }
                    chain = nil
                } else if position.revision == compacted {
                    chain = try row.bytes(6)
                } else {
                    chain = row.isNull(7 + index) ? nil : try row.bytes(7 + index)
                }
                if chain.map({ Position.prefix(of: $0) }) != position.chainPrefix {
                    return FoundHistory(head: head, lack: Lack(known: position.revision, found: head.revision))
                }
            }
            return FoundHistory(head: head, lack: nil)
        }
        guard let found else { throw Head.missing }
        return found
    }
}
