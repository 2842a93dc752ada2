// Invariants
// 1. A part is believed only if its bytes have the hash that the manifest says; and the manifest, only under its
//    checksum and its own name.

internal import Metastore
internal import MetastoreModel

extension ArchiveLine {
    /// The manifest of a snapshot; nil where there is no such snapshot.
    ///
    /// - Throws: ``ArchiveError``; `damaged` also where it is another's than its name says.
    package func manifest(_ id: SnapshotID) async throws(ArchiveError) -> SnapshotManifest? {
        let name = names.manifest(id)
        guard let bytes = try await target.read(name, limit: Limits.manifestBytes) else { return nil }
        let manifest = try SnapshotManifest(bytes, named: name.description)
        guard manifest.head.cluster == cluster, manifest.id == id else {
            throw .damaged(object: name.description, offset: 0, reason: "it is of another snapshot than its name says")
        }
        return manifest
    }

    /// A part of a snapshot, verified.
    ///
    /// - Throws: ``ArchiveError``; `damaged` where it is missing or has other bytes than were written.
    package func part(_ number: Int, of manifest: SnapshotManifest) async throws(ArchiveError) -> SnapshotPart {
        let name = names.part(manifest.id, attempt: manifest.attempt, number: number)
        let expected = manifest.parts[number]
        guard let bytes = try await target.read(name, limit: expected.stored) else {
            throw .damaged(object: name.description, offset: 0, reason: "it is missing")
        }
        // Read before its hash is taken: so a flipped bit is told with its place.
        let part = try SnapshotPart(bytes, named: name.description, of: manifest, number: number)
        guard SnapshotManifest.hash(bytes) == expected.hash else {
            throw .damaged(object: name.description, offset: 0, reason: "it has another hash than its manifest says")
        }
        return part
    }

    /// The snapshots there are, the newest revision first.
    ///
    /// It lists: one that was made a moment ago may be missing.
    package func snapshots() async throws(ArchiveError) -> [SnapshotID] {
        var found: [SnapshotID] = []
        try await target.forEachName(under: names.snapshots) { (name) throws(ArchiveError) in
            let words = name.words.dropFirst()
            if words.count == 4, let id = SnapshotID(words: words), names.manifest(id) == name { found.append(id) }
        }
        return found.sorted { ($0.revision, $0.epoch, $0.form.rawValue) > ($1.revision, $1.epoch, $1.form.rawValue) }
    }
}

extension SnapshotManifest {
    /// What it says of the tables fits this release.
    ///
    /// - Throws: ``StoreError/schema(reason:)``.
    func checkTables() throws {
        // An image's are looked at in the database that it is.
        guard form == .portable else { return }
        let known = SnapshotTable.all(of: head.schema)
        let isSame =
            known.count == tables.count
            && zip(known, tables).allSatisfy { TableShape($0, rows: $1.rows) == $1 }
        guard isSame else {
            throw StoreError.schema(
                reason: """
                    \(id) has tables of schema \(head.schema) that this binary doesn't know like this. Nothing was \
                    changed, and the snapshot is intact. Restore it with the release that wrote it.
                    """)
        }
    }
}
