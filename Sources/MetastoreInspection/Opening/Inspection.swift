package import Metastore
package import MetastoreEngine

/// A store that is looked at, and not changed: one connection over one state of it.
package final class Inspection {
    /// Where it was found, for messages.
    package let place: String
    package let store: ClosedStore
    package let connection: any Connection
    package let verdict: Verdict
    /// What the reader has to know besides: warnings about the files, one sentence each.
    package let notices: [String]

    init(
        place: String, connection: any Connection, verdict: Verdict, notices: [String]
    ) {
        self.place = place
        self.connection = connection
        self.verdict = verdict
        self.notices = notices
        store = ClosedStore(connection)
    }

    deinit { connection.close() }
}
