// Invariants (only where several servers may answer)
// 1. A connection that was opened before the writer connected anew is not read from: the writer may have moved on to
//    another server, which this one was left behind by.
// 2. One that isn't known to lead to the writer's server is looked at in each read, in the read's own snapshot: it has
//    to have all that this handle had told anybody before the snapshot was taken. What is committed while it is taken
//    may not be in it.
// 3. It leads to the writer's server when it has a commit of the writer that was made after the connection: a server
//    that takes writes gets them from its own sessions only.

internal import MetastoreEngine
internal import MetastoreModel

/// A reader's connection, and what is known of the server it leads to. Used by one thread.
final class OpenReader {
    let connection: any Connection
    private let history: KnownHistory?
    private let opened: KnownHistory.State?
    private var isBesideWriter = false

    /// - Parameter opened: what was known before the connection was made.
    init(_ connection: any Connection, _ history: KnownHistory?, opened: KnownHistory.State?) {
        self.connection = connection
        self.history = history
        self.opened = opened
    }

    /// False when the writer has connected anew since.
    var isCurrent: Bool { history?.state.writerMoves == opened?.writerMoves }

    var mustLook: Bool { history != nil && !isBesideWriter }

    /// Takes a snapshot. Gives back what its server has to have; nil where it needn't be looked at.
    func begin() throws(EngineError) -> KnownHistory.State? {
        let known = mustLook ? history?.state : nil
        try connection.begin(.read)
        return known
    }

    /// Within a snapshot: why it can't be read from; nil when it may.
    func refusal(_ session: Session, lacking known: KnownHistory.State) throws(StoreError) -> StoreError? {
        guard let history, let opened else { return nil }
        let found = try session.look(for: known.read, and: known.committed ?? known.read)
        if let lack = found.lack { return history.refusal(lack) }
        history.read(found.head)
        isBesideWriter = known.commits > opened.commits && known.writerMoves == opened.writerMoves
        return nil
    }
}
