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

/// Removes what an archive need not keep, and merges what is old: a plan first, then, if told to, what it says.
package struct RetentionCommand: Sendable {
    /// What is kept.
    package struct Options: Sendable {
        package var cluster: UUID?
        package var age: Age?
        package var snapshots: Int?
        package var size: Size?
        /// Followers and others that still need history.
        package var needs: [Need] = []
        /// What stays and is old is merged into fewer objects.
        package var merges = false
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
            let merging = Merging(line)
            let merge = options.merges ? try await merging.plan(after: plan.start?.revision ?? .absent) : nil
            let (kept, beginning) = (try await line.kept(), try await line.beginning())
            screen.clear()
            var answer = RetentionAnswer(
                archive.description, line, after: kept?.revision ?? beginning?.fork ?? .absent, plan, merge)
            guard options.isApplied, !plan.going.isEmpty || merge?.isEmpty == false else { return answer }
            if options.showsPlan { for line in answer.lines(.plain) { screen.say(line) } }
            try confirm(question(plan, merge))
            let gone = Counted()
            try await retention.carryOut(plan) { [screen] _ in
                screen.show("remove", gone.next(), plan.going.count, "objects")
            }
            if let merge {
                let done = Counted()
                try await merging.carryOut(merge) { [screen] in
                    screen.show("merge", done.next(), merge.steps, "objects")
                }
            }
            answer.isApplied = true
            return answer
        }
    }

    private func question(_ plan: RetentionPlan, _ merge: MergePlan?) -> String {
        var parts: [String] = []
        if !plan.going.isEmpty {
            parts.append("remove \(Shown.count(plan.going.count, "object")), \(Shown.bytes(plan.goingBytes))")
        }
        if let merge, !merge.groups.isEmpty {
            parts.append("merge \(Shown.count(merge.segments, "segment")) into \(Shown.grouped(merge.groups.count))")
        }
        if let merge, !merge.leftovers.isEmpty {
            parts.append("remove \(Shown.count(merge.leftovers.count, "object")) that an interrupted merging left")
        }
        let text = parts.joined(separator: ", and ")
        return text.prefix(1).uppercased() + text.dropFirst() + ", from \(archive)?"
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
