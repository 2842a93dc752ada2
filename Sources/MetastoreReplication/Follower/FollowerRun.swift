// Invariants
// 1. One loop asks and applies, and replaces the store where it may; nothing else writes to it.
// 2. After any failure the place to go on from is read from the store anew.
// 3. A source that ends before this store, or in an earlier epoch, only lags, unless it has something of its own after
//    what both have.

internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// The work of a follower: a thin shell around ``Following``.
struct FollowerRun: Sendable {
    let place: EngineSource
    let cluster: UUID
    let source: any LogSource
    let options: FollowerOptions
    let progress: FollowerProgress

    /// The loop, the clock that notices when nothing happens, and the comparisons.
    func start() -> [Task<Void, Never>] {
        var tasks = [
            Task.detached { await follow() },
            Task.detached {
                while (try? await Task.sleep(for: options.stallAfter / 8)) != nil { progress.note(.tick) }
            },
        ]
        if let interval = options.comparing {
            tasks.append(
                Task.detached {
                    while (try? await Task.sleep(for: interval)) != nil {
                        // What keeps it from comparing keeps it from following, and is told there.
                        guard let found = try? await ReplicaComparison.compare(progress.store, with: source) else {
                            continue
                        }
                        progress.compared(found)
                    }
                })
        }
        return tasks
    }

    private func follow() async {
        var place: LogPlace?
        while !Task.isCancelled {
            do {
                let start: LogPlace
                if let place { start = place } else { start = LogPlace(try await progress.store.logHead()) }
                place = try await step(after: start)
            } catch {
                guard !Task.isCancelled else { return }
                place = nil
                await recover(from: error)
            }
        }
    }

    /// Asks once, and applies what comes.
    private func step(after start: LogPlace) async throws -> LogPlace {
        progress.note(.asked(waiting: options.waiting))
        let answer = try await source.next(after: start, waiting: options.waiting)
        progress.note(.answered(newest: answer.newest))
        var place = start
        for part in answer.parts {
            guard let last = part.records.last else { continue }
            guard part.cluster == cluster else { throw LogSourceError.otherCluster }
            guard part.previous == place.chain else {
                throw LogSourceError.damaged(reason: "its records don't go on from revision \(place.revision)")
            }
            progress.note(.applying)
            do {
                try await progress.store.replay(part.records, leadingTo: part.digests)
            } catch StoreError.damaged(let place, let reason) {
                throw LogSourceError.damaged(reason: "\(place): \(reason)")
            } catch StoreError.schema(let reason) {
                throw LogSourceError.newer(reason: reason)
            }
            place = LogPlace(last, of: cluster)
            progress.note(.applied(place.position))
        }
        if place != start {
            // One that is lost is made good by the next.
            try? await source.acknowledge(place.revision)
        }
        if place == start, answer.newest > start.revision {
            // It says that it has more.
            try await Task.sleep(for: progress.takePause())
        }
        return place
    }

    private func recover(from error: any Error) async {
        switch error {
        case LogSourceError.forked(let common): await recover(from: common)
        case LogSourceError.behind(let newest): await recover(aheadOf: newest)
        case let error as LogSourceError: await replace(after: error)
        case is CancellationError: return
        default:
            progress.note(.storeFailed(reason: "\(error)"))
            if case StoreError.closed = error { await reopen() }
        }
        try? await Task.sleep(for: progress.takePause())
    }

    /// The source ends before what is here: it lags, or went another way.
    private func recover(aheadOf newest: Revision) async {
        do {
            if let common = try await parting(newest) { return await recover(from: common) }
        } catch LogSourceError.compacted(let oldest) {
            // They parted before what the source keeps.
            return await replace(after: .compacted(oldest: oldest))
        } catch {
            // Nothing tells whether it only lags.
        }
        await replace(after: .behind(newest: newest))
    }

    /// Where a source that doesn't know this store's place, and ends at a revision, went another way; nil where it only
    /// lags, or nothing tells.
    private func parting(_ newest: Revision) async throws -> Position? {
        let epochs = try await progress.store.lineage().epochs
        var revision = min(newest, progress.store.position.revision)
        while true {
            let own = try await progress.store.position(at: revision)
            let place = LogPlace(position: own, chain: try await progress.store.keptLink(of: revision))
            do throws(LogSourceError) {
                _ = try await source.next(after: place, waiting: .zero)
                // What it has next isn't what is here.
                return revision < newest ? own : nil
            } catch {
                switch error {
                case .forked(let common): return common
                case .behind:
                    // It hasn't heard of the epoch that this revision has here.
                    guard let start = epochs.last(where: { $0.epoch == own.epoch }), start.fork < revision else {
                        return nil
                    }
                    revision = start.fork
                default: throw error
                }
            }
        }
    }

    /// The source has another history: how far both have the same is looked for, and told.
    private func recover(from told: Position) async {
        do {
            let common = try await common(told)
            guard progress.mayRewind else {
                return await replace(after: .forked(lastCommon: common))
            }
            progress.note(.failed(.forked(lastCommon: common)))
            try await progress.store.rewind(to: common)
            progress.mayRewind = options.onFork == .rewind
            progress.note(.rewound(common))
        } catch StoreError.compacted {
            // The log here doesn't go back to where both have the same.
            await replace(after: progress.mayRewind ? .compacted(oldest: told) : .forked(lastCommon: told))
        } catch let error as LogSourceError {
            await replace(after: error)
        } catch {
            progress.note(.storeFailed(reason: "\(error)"))
        }
    }

    // MARK: Replacing what is here

    /// Whether it was told to, once or for good. A source that ends before what is here may only lag: that takes a word
    /// of its own.
    private func mayReplace(after error: LogSourceError) -> Bool {
        switch error {
        case .compacted, .forked: progress.mayReplace || options.resnapshots == .whenNeeded
        case .behind: progress.mayReplace
        case .unavailable, .refused, .damaged, .newer, .otherCluster: false
        }
    }

    /// Does so where it may; what failed is told otherwise.
    private func replace(after error: LogSourceError) async {
        guard mayReplace(after: error) else { return progress.note(.failed(error)) }
        await replace()
    }

    private func replace() async {
        progress.note(.taking)
        do {
            let kept = try await FollowedPlace(place, options).replace(progress.store, by: source, of: cluster)
            progress.store = try await Metastore.openReplica(place, of: cluster, options.store)
            progress.mayReplace = false
            progress.tellReplaced(kept)
            progress.note(.replaced(try await progress.store.logHead().position, kept: kept))
        } catch let error as LogSourceError {
            progress.note(.failed(error))
        } catch is CancellationError {
            return
        } catch {
            // Whether it is the old or the new one that stands there, it is opened with the next question.
            progress.note(.storeFailed(reason: "\(error)"))
        }
    }

    // MARK: Where histories part

    /// The last position of this store that the source's history has, too, at or before the one that it names.
    private func common(_ told: Position) async throws -> Position {
        var told = told
        while true {
            let own = try await progress.store.position(at: told.revision)
            if own.chainPrefix == told.chainPrefix { return await last(sharedAfter: own) }
            // The source's own fork lies before: it is asked about what is here at that revision.
            guard told.revision > .absent else { return own }
            let chain = try await progress.store.keptLink(of: told.revision)
            guard let earlier = try await fork(before: LogPlace(position: own, chain: chain)) else { return own }
            told = earlier
        }
    }

    /// An archive knows of common history by the object: of its next records, the first ones may be here, too.
    private func last(sharedAfter common: Position) async -> Position {
        var common = common
        guard let chain = try? await progress.store.keptLink(of: common.revision),
            let answer = try? await source.next(after: LogPlace(position: common, chain: chain), waiting: .zero)
        else { return common }
        for record in answer.parts.flatMap(\.records) {
            guard (try? await progress.store.keptLink(of: record.revision)) == record.chain else { break }
            common = LogPlace(record, of: cluster).position
        }
        return common
    }

    /// Where the source's history left this one before a place; nil where it has the place.
    private func fork(before place: LogPlace) async throws(LogSourceError) -> Position? {
        do {
            _ = try await source.next(after: place, waiting: .zero)
            return nil
        } catch {
            guard case .forked(let earlier) = error, earlier.revision < place.revision else { throw error }
            return earlier
        }
    }

    /// A device that failed closed the store: whatever was committed is found when it opens again.
    private func reopen() async {
        // Where it was to be replaced, that is carried through first.
        _ = try? await FollowedPlace(place, options).isEmpty
        guard let store = try? await Metastore.openReplica(place, of: cluster, options.store) else { return }
        progress.store = store
    }
}
