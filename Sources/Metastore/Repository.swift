/// What a repository's holder may do with it.
public protocol RepositoryAccess {}

/// Reading, in a snapshot.
public enum Reading: RepositoryAccess {}

/// Reading and writing, in a transaction.
public enum Writing: RepositoryAccess {}

/// The records of one kind, seen from one transaction or one snapshot, and valid only inside it.
///
/// The calls that read are there in both; the calls that write are there only in a ``Transaction``, so that writing in
/// a read doesn't compile.
public struct Repository<Element, Access: RepositoryAccess>: ~Copyable {
    let session: Session

    /// Not inlined: the 6.3.1 optimiser crashes on generic code that makes a non-copyable value.
    @inline(never) init(_ session: Session) {
        self.session = session
    }
}

extension Repository where Access == Writing {
    /// Only ``Transaction`` makes repositories that write, and it makes them over its own session.
    var writer: WriteSession { unsafeDowncast(session, to: WriteSession.self) }
}

/// The records of one kind, each call a read or a write of its own.
public struct AsyncRepository<Element>: Sendable {
    let store: Metastore

    init(_ store: Metastore) {
        self.store = store
    }
}
