// Invariants
// 1. What is verified is built: from the archive alone, in a scratch place that is gone afterwards.
// 2. Rows that differ are found by key, on both sides at one revision; the store goes on meanwhile. That revision is
//    the archive's last, or where a replica stands that hasn't got so far.
// 3. Damage is a failure, which names the object; a difference is an answer.

package import FoundationEssentials
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication

/// Rebuilds an archive in scratch, and compares it with its store.
package struct VerifyCommand: Sendable {
    /// What is verified, and where.
    package struct Options: Sendable {
        package var cluster: UUID?
        /// The state that is rebuilt; by default all that is kept, with every snapshot.
        package var point: RestorePoint?
        /// Where the scratch goes.
        package var directory = FileManager.default.temporaryDirectory.path

        package init() {}
    }

    private let archive: ArchiveURL
    private let options: Options
    private let screen: CommandScreen

    package init(_ archive: ArchiveURL, _ options: Options = Options(), screen: CommandScreen) {
        self.archive = archive
        self.options = options
        self.screen = screen
    }

    /// - Parameter url: the store to compare with.
    package func run(comparing url: StoreURL?, _ password: Password) async throws(CommandFailure) -> VerifyAnswer {
        try await failing(screen, at: archive.description) {
            let began = ContinuousClock.now
            let line = try archive.line(of: options.cluster, screen.reading("read"))
            let scratch = try ScratchFolder(in: options.directory, for: "verify", "Name another place with --scratch.")
            defer { scratch.remove() }
            let rebuilding = Rebuilding(line: line, scratch: scratch, place: archive.description, screen: screen)
            var answer: VerifyAnswer
            if let url {
                answer = try await ReplicatedStore(url, password).reading { store in
                    try await rebuilding.refuseParted(store)
                    var answer = try await rebuilding.run(options.point, comparing: store)
                    (answer.store, answer.isEqual) = (url.description, answer.kinds.isEmpty)
                    return answer
                }
            } else {
                answer = try await rebuilding.run(options.point, comparing: nil)
            }
            answer.seconds = (ContinuousClock.now - began).inSeconds
            return answer
        }
    }
}

/// One verification, in a scratch folder.
private struct Rebuilding {
    let line: ArchiveLine
    let scratch: ScratchFolder
    /// The archive, as the command line named it.
    let place: String
    let screen: CommandScreen

    /// Rows may be equal, and the histories not: a store that is fenced, or is of a fork, isn't what is archived.
    func refuseParted(_ store: Metastore) async throws {
        guard let history = try await ArchiveHistory(line) else { throw line.isEmpty }
        let relation = try await ArchiveRelation(history, store)
        guard let advice = relation.advice else { return }
        throw CommandFailure(
            .no,
            "\(place) and the store have parted after revision \(history.end.revision): \(advice). Nothing was "
                + "compared.")
    }

    func run(_ point: RestorePoint?, comparing store: Metastore?) async throws -> VerifyAnswer {
        guard let point else { return try await everything(comparing: store) }
        let report = try await restore(to: point.point)
        var answer = VerifyAnswer(
            archive: place, cluster: line.cluster.text, revision: report.state.revision.rawValue,
            chain: Hexadecimal.text(of: report.state.chain), revisions: report.revisions,
            snapshots: report.snapshot.map { [$0.revision.rawValue] } ?? [],
            passedOver: report.passedOver.values.sorted())
        if let store {
            let last = try await store.logHead().position.revision
            guard report.state.revision <= last else {
                throw CommandFailure(
                    .no,
                    "the store has not followed to revision \(report.state.revision) yet: it is at revision \(last). "
                        + "Verify without --to, which compares it where it stands. Nothing was compared.")
            }
            answer.comparedAt = report.state.revision.rawValue
            answer.add(try await locate(in: store))
        }
        return answer
    }

    /// All that is kept; where the store's rows aren't those of its log, they are located.
    private func everything(comparing store: Metastore?) async throws -> VerifyAnswer {
        let check = ArchiveCheck(line)
        var isDifferent = false
        let report: ArchiveCheck.Report
        do {
            report = try await check.run(in: scratch.store("check"), comparing: store, screen.restoring("verify"))
        } catch StoreError.damaged where store != nil {
            // A row of the store, or one that the archive led to? Without the store it is seen.
            report = try await check.run(in: scratch.store("check"), comparing: nil, screen.restoring("verify"))
            isDifferent = true
        }
        var answer = VerifyAnswer(
            archive: place, cluster: line.cluster.text, revision: report.revision.rawValue,
            chain: Hexadecimal.text(of: report.chain), revisions: report.revisions,
            snapshots: report.snapshots.map(\.revision.rawValue), passedOver: report.passedOver.values.sorted())
        guard let store else { return answer }
        answer.comparedAt = report.comparedAt?.rawValue ?? report.revision.rawValue
        guard isDifferent || !report.differences.isEmpty else { return answer }
        let common = min(report.revision, try await store.logHead().position.revision)
        _ = try await restore(to: .revision(common))
        answer.comparedAt = common.rawValue
        answer.add(try await locate(in: store))
        answer.kinds = Set(answer.kinds).union(report.differences.map(\.name)).sorted()
        return answer
    }

    private func restore(to point: Restore.Point) async throws -> RestoreReport {
        var how = Restore.Options()
        how.purpose = .replica
        let restore = Restore(line, how)
        return try await line.naming(point, at: place) {
            try await restore.run(to: scratch.store("rebuilt"), at: point, screen.restoring("verify"))
        }
    }

    /// The rows of the store that aren't those of what was rebuilt.
    private func locate(in store: Metastore) async throws -> ReplicaComparison {
        let rebuilt = try await Metastore.openReplica(scratch.store("rebuilt"), of: line.cluster)
        do {
            let head = try await rebuilt.logHead()
            if let link = try await store.link(of: head.position.revision), link != head.chain {
                throw ArchiveError.forked(object: "the archive at \(place)", after: head.oldest.revision)
            }
            screen.show("compare", 0, nil, "rows")
            let comparison = try await ReplicaComparison.compare(rebuilt, with: StoreLogSource(store))
            await rebuilt.close()
            return comparison
        } catch {
            await rebuilt.close()
            throw error
        }
    }
}
