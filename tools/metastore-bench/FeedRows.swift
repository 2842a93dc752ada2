import Metastore
import MetastoreModel

/// F. From a commit to a watcher, catching up on the log, and what watchers cost a commit.
func feedRow(_ session: BenchSession) async throws -> [Comparison] {
    // Before the store is opened, which then tells it of its commits.
    let clock = CommitClock.shared
    let count = session.count(5_000, least: 50)
    return try await session.withPair { store, path in
        let waking = try await session.alternate([
            Side { _ in try await measureWaking(store, clock, count: count) },
            session.floor.side("watch", path, ["--count", "\(count)"]),
        ])
        return [
            try waking.compare(
                "F", "commit → watcher", .p50, "store.watch.commit", beside: ("floor", "floor.watch.commit"),
                must: .ratio(.atMost, 2)),
            try waking.compare(
                "F", "begin → watcher", .p50, "store.watch.begin", beside: ("floor", "floor.watch.begin"),
                must: .ratio(.atMost, 2)),
        ] + [try await catchUpRow(session)] + (try await watchersRow(session, store))
    }
}

/// One client's commits and one watcher, who notes when it has each change.
private func measureWaking(_ store: Metastore, _ clock: CommitClock, count: Int) async throws -> [Measurement] {
    let start = store.position
    clock.begin()
    let watcher = Task {
        var seen: [ContinuousClock.Instant] = []
        for try await change in store.changes(after: start, of: .keyValue) {
            guard case .keyValue(let entry) = change, entry.after != nil else { continue }
            seen.append(.now)
            if seen.count == count { break }
        }
        return seen
    }
    var began: [ContinuousClock.Instant] = []
    for number in 0..<count {
        let key = EntryKey(namespace: "watch", key: "\(start.revision.rawValue)/\(number)")
        began.append(.now)
        try await store.write { tx in _ = try tx.keyValue.put(key, Values.entry) }
    }
    let seen = try await watcher.value
    let committed = clock.found
    guard committed.count == count else { throw Rounds.Failure.missing("a commit's time") }
    return [
        Measurement(work: "store.watch.commit", latencies: zip(seen, committed).map { $0 - $1 }),
        Measurement(work: "store.watch.begin", latencies: zip(seen, began).map { $0 - $1 }),
    ]
}

/// Revisions of one change each, decoded, from the log of a store that was just opened.
private func catchUpRow(_ session: BenchSession) async throws -> Comparison {
    let count = session.count(200_000, least: 500)
    let path = try session.scratch.copy(try await session.filled(), as: "history")
    var store = try await openStore(at: path)
    let start = store.position.revision.rawValue
    try await session.put(count, into: store)
    await store.close()
    let copy = try session.scratch.copy(path, as: "history-floor")
    store = try await openStore(at: path)
    let (opened, end) = (store, store.position.revision)
    let rounds = try await session.alternate([
        Side { _ in
            let from = try await opened.position(at: Revision(rawValue: start))
            let began = ContinuousClock.now
            var seen = 0
            for try await batch in opened.changes(after: from).batches {
                for commit in batch.commits {
                    for change in commit.changes {
                        if case .keyValue(let entry) = change, entry.after?.value.count == 250 { seen += 1 }
                    }
                }
                if batch.position.revision >= end { break }
            }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            return [Measurement(work: "store.catch-up", operations: seen, seconds: seconds)]
        },
        session.floor.side("catch-up", copy, ["--first", "\(start)"]),
    ])
    await store.close()
    session.scratch.discard("history")
    session.scratch.discard("history-floor")
    return try rounds.compare(
        "catch-up", "\(count) changes, decoded", .perSecond, "store.catch-up",
        beside: ("floor, raw rows", "floor.catch-up"), must: .ratio(.atLeast, 0.40))
}

/// One client's commits, alone and beside 1,000 watchers of what never changes, then beside 10 of what it writes.
private func watchersRow(_ session: BenchSession, _ store: Metastore) async throws -> [Comparison] {
    let dataset = session.dataset
    func side(_ name: String, idle: Int, active: Int) -> Side {
        Side { seconds in
            let start = store.position
            let watchers = Task {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<(idle + active) {
                        let kinds: RecordKinds = number < idle ? .pools : .keyValue
                        group.addTask { for try await _ in store.changes(after: start, of: kinds) {} }
                    }
                    try await group.waitForAll()
                }
            }
            try await Task.sleep(for: .milliseconds(50))
            var measurement = try await StoreWork.put.measure(store, dataset, seconds: seconds)
            measurement.work = "store.put.\(name)"
            watchers.cancel()
            _ = await watchers.result
            return [measurement]
        }
    }
    let (idle, active) = (session.count(1_000, least: 10), 10)
    let rounds = try await session.alternate([
        side("alone", idle: 0, active: 0), side("idle-watchers", idle: idle, active: 0),
        side("active-watchers", idle: 0, active: active), side("watchers", idle: idle, active: active),
    ])
    let cases = [
        ("\(idle) idle watchers", "idle-watchers", nil), ("\(active) active watchers", "active-watchers", nil),
        ("both", "watchers", Bound.ratio(.atLeast, 0.95)),
    ]
    return try cases.map { what, name, must in
        try rounds.compare(
            "watchers", "put, one client, beside \(what)", .perSecond, "store.put.\(name)",
            beside: ("without watchers", "store.put.alone"), must: must)
    }
}

extension BenchSession {
    /// Entries of 250 bytes, each a revision of its own, from as many clients as one batch takes.
    func put(_ count: Int, into store: Metastore) async throws {
        let base = store.position.revision.rawValue
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<256 {
                group.addTask {
                    for number in stride(from: client, to: count, by: 256) {
                        let key = EntryKey(namespace: "bench", key: "\(base)/\(number)")
                        try await store.write { tx in _ = try tx.keyValue.put(key, Values.entry) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
