// Invariants
// 1. Nothing is undone before somebody said yes to the number of revisions that are lost.
// 2. A run that was killed leaves a replica at a revision between; the next one goes on from there.

internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
package import MetastoreTerminal

/// What `rewind` did, or would do.
package struct RewindAnswer: CommandReport {
    package let store: String
    package let cluster: String
    package let from: Int64
    package let to: Int64
    /// Of the replica, where it was rewound to.
    package let position: String
    package let isDryRun: Bool
    package let seconds: Double

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("replica", store)
        fields.add("cluster", cluster)
        let undone = Shown.count(Int(from - to), "revision")
        if from == to {
            fields.add("rewound", "it is at revision \(to); nothing was to be done", .green)
        } else if isDryRun {
            fields.add("would undo", "\(undone), from \(from) back to \(to); what they changed is lost here", .yellow)
            fields.add("note", "nothing was changed")
        } else {
            fields.add(
                "rewound", "\(undone), from \(from) back to \(to), " + Shown.duration(.seconds(seconds)), .green)
        }
        return fields.lines(style)
    }
}

/// Takes a replica back to an earlier revision of its own history.
package struct RewindCommand: Sendable {
    private let store: StoreURL
    private let revision: Revision
    private let screen: CommandScreen

    package init(_ store: StoreURL, to revision: Int64, screen: CommandScreen) {
        self.store = store
        self.revision = Revision(rawValue: revision)
        self.screen = screen
    }

    /// - Parameter confirm: asked before anything is undone; what it throws ends the command.
    package func run(
        _ password: Password, isDryRun: Bool, confirm: (_ question: String) throws -> Void
    ) async throws(CommandFailure) -> RewindAnswer {
        try await failing(screen, at: store.description) {
            let began = ContinuousClock.now
            let replica = try ReplicatedStore(store, password)
            let summary = try await replica.existing()
            guard revision <= summary.revision else {
                throw CommandFailure(
                    .no,
                    "\(store) is at revision \(summary.revision), before revision \(revision): there is nothing to "
                        + "undo. Nothing was changed.")
            }
            guard revision > summary.compactedRevision || revision == summary.revision else {
                throw CommandFailure(
                    .no,
                    "\(store): its log goes back to revision \(summary.compactedRevision.rawValue + 1) only, so that "
                        + "revision \(revision) can't be reached. Nothing was changed. Restore it from the archive "
                        + "into an empty place: metastore-replicate restore --to \(revision) --replica.")
            }
            let position = try await replica.reading { try await $0.position(at: revision) }
            if !isDryRun, revision < summary.revision {
                try confirm(
                    "Undo \(Shown.count(Int(summary.revision.rawValue - revision.rawValue), "revision")) of the "
                        + "replica \(store), back to \(revision)? What they changed is lost here. Only a follower's "
                        + "store is rewound: a master's is restored.")
                try await rewind(replica, to: position, of: summary)
            }
            return RewindAnswer(
                store: store.description, cluster: summary.cluster.text, from: summary.revision.rawValue,
                to: revision.rawValue, position: position.description, isDryRun: isDryRun,
                seconds: (ContinuousClock.now - began).inSeconds)
        }
    }

    private func rewind(
        _ replica: ReplicatedStore, to position: Position, of summary: ClosedStore.Summary
    ) async throws {
        let store = try await Metastore.openReplica(replica.source, of: summary.cluster)
        let work = Task { try await store.rewind(to: position) }
        let all = Int(summary.revision.rawValue - revision.rawValue)
        let watch = Task { [screen] in
            while !Task.isCancelled {
                let done = Int(summary.revision.rawValue - store.position.revision.rawValue)
                screen.show("rewind", done, all, "revisions")
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
        let result = await work.result
        watch.cancel()
        await watch.value
        await store.close()
        try result.get()
    }
}
