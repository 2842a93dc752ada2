internal import Metastore
internal import MetastoreSQLite

/// What `--version` says.
package enum ReplicateVersion {
    package static var text: String {
        "metastore-replicate \(Metastore.version), SQLite \(SQLiteEngine.libraryVersion)"
    }
}
