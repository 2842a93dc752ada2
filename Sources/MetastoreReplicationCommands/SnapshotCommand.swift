package import MetastoreCommandLine
internal import Metastore
internal import MetastoreModel
package import MetastoreReplication
package import MetastoreTerminal

/// What `snapshot` made, or found.
package struct SnapshotAnswer: CommandReport {
    package let store: String
    package let archive: String
    package let cluster: String
    package let revision: Int64
    package let epoch: Int64
    package let position: String
    /// `portable` or `image`.
    package let form: String
    /// None of an image.
    package let rows: Int64
    package let parts: Int
    /// Bytes in the archive, and those of the rows or pages.
    package let bytes: Int
    package let contentBytes: Int
    /// It was there already.
    package let wasThere: Bool
    package let seconds: Double

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", store)
        fields.add("archive", archive)
        fields.add("cluster", cluster)
        let isImage = form == SnapshotForm.image.word
        fields.add(
            "snapshot",
            "revision \(revision) of epoch \(epoch), \(isImage ? "an image" : Shown.count(Int(rows), "row")), "
                + "\(Shown.bytes(bytes)) (\(Shown.bytes(contentBytes)) of \(isImage ? "pages" : "rows")), "
                + (wasThere ? "was there already" : Shown.duration(.seconds(seconds))), .green)
        return fields.lines(style)
    }
}

/// Puts a snapshot of a store into its archive, while the store goes on.
package struct SnapshotCommand: Sendable {
    private let store: StoreURL
    private let archive: ArchiveURL
    private let form: SnapshotForm
    private let screen: CommandScreen

    package init(
        _ store: StoreURL, to archive: ArchiveURL, as form: SnapshotForm = .portable, screen: CommandScreen
    ) {
        self.store = store
        self.archive = archive
        self.form = form
        self.screen = screen
    }

    package func run(_ password: Password) async throws(CommandFailure) -> SnapshotAnswer {
        try await failing(screen, at: "\(store) to \(archive)") {
            let began = ContinuousClock.now
            if form == .image, case .postgresql = store.place {
                throw CommandFailure(
                    .usage,
                    "\(store): an image is made of SQLite's pages, and there are none. Nothing was made. Leave --form "
                        + "out: a portable snapshot is for every engine.")
            }
            let origin = try ReplicatedStore(store, password)
            let cluster = try await origin.existing().cluster
            let line = try archive.line(of: cluster, screen.reading("read"))
            let report = try await SnapshotWriter(line).write(.place(origin.source), as: form) {
                [screen, form] progress in
                switch form {
                case .portable: screen.show("snapshot: \(progress.table)", Int(progress.rows), nil, "rows")
                case .image: screen.show("snapshot: pages", progress.contentBytes, nil, "bytes")
                }
            }
            return SnapshotAnswer(
                store: store.description, archive: archive.description, cluster: cluster.text,
                revision: report.id.revision.rawValue, epoch: report.id.epoch, position: report.position.description,
                form: form.word, rows: report.rows, parts: report.parts, bytes: report.storedBytes,
                contentBytes: report.contentBytes,
                wasThere: report.isOfAnother, seconds: (ContinuousClock.now - began).inSeconds)
        }
    }
}
