// Invariants
// 1. The plan is shown before anything goes, and what goes is what was shown: a plan that is old is refused.
// 2. Whoever reads history through the store (its consumers) is asked for, where the store is named; others are named
//    by hand. What they need stays.

package import FoundationEssentials
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTerminal

/// Removes what an archive need not keep: a plan first, then, if told to, what it says.
package struct RetentionCommand: Sendable {
    /// What is kept.
    package struct Options: Sendable {
        package var cluster: UUID?
        package var age: Age?
        package var snapshots: Int?
        package var size: Size?
        /// Followers and others that still need history.
        package var needs: [Need] = []
        /// Carry it out …
        package var isApplied = false
        /// … after the plan was shown to whoever is asked.
        package var showsPlan = false

        package init() {}
    }

    private let archive: ArchiveURL
    private let options: Options
    private let screen: CommandScreen

    package init(_ archive: ArchiveURL, _ options: Options, screen: CommandScreen) {
        self.archive = archive
        self.options = options
        self.screen = screen
    }

    /// - Parameters:
    ///   - url: the store whose consumers' needs are kept.
    ///   - confirm: asked before anything goes; what it throws ends the command.
    package func run(
        beside url: StoreURL?, _ password: Password, confirm: (_ question: String) throws -> Void
    ) async throws(CommandFailure) -> RetentionAnswer {
        try await failing(screen, at: archive.description) {
            let line = try archive.line(of: options.cluster, screen.reading("read"))
            let policy = ArchiveRetention(
                age: options.age?.duration, snapshots: options.snapshots, bytes: options.size?.bytes)
            let retention = Retention(line)
            let plan = try await retention.plan(
                policy, needs: try await needs(url, password, line.cluster), now: TimeSource.system.now())
            let (kept, beginning) = (try await line.kept(), try await line.beginning())
            screen.clear()
            var answer = RetentionAnswer(
                archive.description, line, after: kept?.revision ?? beginning?.fork ?? .absent, plan)
            guard options.isApplied, !plan.going.isEmpty else { return answer }
            let count = Shown.count(plan.going.count, "object")
            if options.showsPlan { for line in answer.lines(.plain) { screen.say(line) } }
            try confirm("Remove \(count), \(Shown.bytes(plan.goingBytes)), from \(archive)?")
            let gone = Counted()
            try await retention.carryOut(plan) { [screen] _ in
                screen.show("remove", gone.next(), plan.going.count, "objects")
            }
            answer.isApplied = true
            return answer
        }
    }

    private func needs(_ url: StoreURL?, _ password: Password, _ cluster: UUID) async throws -> [HistoryNeed] {
        let named = options.needs.map { HistoryNeed(name: $0.name, position: Revision(rawValue: $0.revision)) }
        guard let url else { return named }
        return try await ReplicatedStore(url, password).reading { store in
            guard try await store.info().cluster == cluster else { throw StoreError.otherCluster }
            let consumers = try await store.read { snapshot in
                try snapshot.consumers.all().filter { !$0.isExpired }.map { consumer in
                    HistoryNeed(
                        name: "consumer \(consumer.name)",
                        position: try snapshot.consumers.position(consumer.name).revision)
                }
            }
            return named + consumers
        }
    }
}
