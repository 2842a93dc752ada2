// Invariants
// 1. No epoch is begun before somebody said yes: two stores that go on from one history can't be joined again.
// 2. With an archive a follower is promoted only where the archive has nothing that it lacks.

internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
package import MetastoreTerminal

/// What `promote` or `adopt` did, or would do.
package struct TakeoverAnswer: CommandReport {
    package let store: String
    package let cluster: String
    /// `follower` or `copy`: what it was; `leader` where nothing was to be done.
    package let was: String
    package let revision: Int64
    /// Where it stands now.
    package let position: String
    /// In which its new epoch is; null without one.
    package let archive: String?
    package let isDryRun: Bool

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", store)
        fields.add("cluster", cluster)
        if was == "leader" {
            fields.add("state", "it takes writes as it is; nothing was to be done", .green)
        } else if isDryRun {
            fields.add("would begin", "an epoch of its own after revision \(revision); it is a \(was) now", .yellow)
            fields.add("note", "nothing was changed")
        } else {
            fields.add("began", "an epoch of its own after revision \(revision); it was a \(was)", .green)
            fields.add("position", position)
            if let archive { fields.add("archive", archive) }
        }
        return fields.lines(style)
    }
}

/// Makes a store of a follower, or of a copy, that goes on in an epoch of its own.
package struct TakeoverCommand: Sendable {
    /// What the store has to be.
    package enum Kind: Sendable {
        /// A follower; with the archive of the leader that it followed, which is fenced there.
        case promote(archive: ArchiveURL?)
        /// A file that isn't the one the store was last written in.
        case adopt
    }

    private let store: StoreURL
    private let kind: Kind
    private let screen: CommandScreen

    package init(_ kind: Kind, _ store: StoreURL, screen: CommandScreen) {
        self.kind = kind
        self.store = store
        self.screen = screen
    }

    /// - Parameter confirm: asked before anything is changed; what it throws ends the command.
    package func run(
        _ password: Password, isDryRun: Bool, confirm: (_ question: String) throws -> Void
    ) async throws(CommandFailure) -> TakeoverAnswer {
        try await failing(screen, at: store.description) {
            let place = try ReplicatedStore(store, password)
            let standing = try await place.standing()
            let was = try was(standing)
            let position: String
            if was != "leader", !isDryRun {
                try confirm(question(standing))
                let opened = try await open(place)
                position = opened.position.description
                await opened.close()
            } else {
                position = try await place.reading { $0.position.description }
            }
            return TakeoverAnswer(
                store: store.description, cluster: standing.summary.cluster.text, was: was,
                revision: standing.summary.revision.rawValue,
                position: position, archive: archive?.description, isDryRun: isDryRun)
        }
    }

    private var archive: ArchiveURL? { if case .promote(let archive) = kind { archive } else { nil } }

    private func was(_ standing: ReplicatedStore.Standing) throws(CommandFailure) -> String {
        switch kind {
        case .adopt: return standing.isCopy ? "copy" : "leader"
        case .promote:
            guard !standing.isCopy else {
                throw CommandFailure(
                    .permission,
                    "\(store) is a copy of the store that was last written in another file. Nothing was changed. "
                        + "Promote the follower's own file; or, where that one is gone, adopt this one first: "
                        + "metastore-replicate adopt \(store).")
            }
            return standing.isFollower ? "follower" : "leader"
        }
    }

    private func question(_ standing: ReplicatedStore.Standing) -> String {
        switch kind {
        case .promote:
            "Promote \(store), which has followed up to revision \(standing.summary.revision)? What its leader "
                + "committed after that is lost here, and the leader must not go on."
        case .adopt:
            "Adopt \(store), a copy at revision \(standing.summary.revision)? Nobody may go on with the original: two "
                + "histories would begin."
        }
    }

    private func open(_ place: ReplicatedStore) async throws -> Metastore {
        var options = StoreOptions()
        options.actor = "metastore-replicate"
        switch kind {
        case .adopt:
            options.copies = .adopt
            return try await Metastore.open(place.source, options)
        case .promote(let archive):
            guard let archive else { return try await Metastore.promote(place.source, options) }
            return try await Metastore.promote(
                place.source, archivingTo: try archive.target(), ArchiverOptions(), options)
        }
    }
}
