import Metastore
import MetastoreModel

/// H. A to D in stores of growing size, loading as it grows, and commits while the log is compacted.
func growthRow(_ session: BenchSession) async throws -> [Comparison] {
    let sizes = ([10_000, 100_000, 1_000_000] + (session.isLargest ? [10_000_000] : []))
        .map { session.count($0, least: 10) }
    return try await grownRow(session, sizes) + [compactionRow(session)]
}

/// The work of rows A to D, in short.
private let watched: [(work: StoreWork, clients: Int)] = [
    (.put, 1), (.report, 1), (.put, 64), (.transition, 1), (.read, 1),
]

private func grownRow(_ session: BenchSession, _ sizes: [Int]) async throws -> [Comparison] {
    let source = try await session.filled()
    let dataset = session.dataset
    var stores: [Metastore] = []
    var loads: [Measurement] = []
    for (index, size) in sizes.enumerated() {
        var load = try await session.load(size, copying: source, as: "size-\(index)")
        load.work = "store.load.\(size)"
        session.show(load.line())
        loads.append(load)
        stores.append(try await openStore(at: session.scratch.file("size-\(index)")))
    }
    let opened = stores
    let sides = watched.flatMap { work, clients in
        sizes.indices.map { index in
            Side { seconds in
                var measurement = try await work.measure(opened[index], dataset, clients: clients, seconds: seconds)
                measurement.work += ".\(clients).\(sizes[index])"
                return [measurement]
            }
        }
    }
    let rounds = try await session.alternate(sides)
    for index in sizes.indices {
        await stores[index].close()
        session.scratch.discard("size-\(index)")
    }
    let first = sizes[0]
    return try watched.flatMap { work, clients in
        try sizes.dropFirst().map { size in
            try rounds.compare(
                "H", "\(work.rawValue), \(clients == 1 ? "one client" : "\(clients) clients"), at \(size) workloads",
                .perSecond, "\(work.name).\(clients).\(size)",
                beside: ("at \(first)", "\(work.name).\(clients).\(first)"), must: .ratio(.atLeast, 1 / 1.3))
        }
    }
        + sizes.dropFirst().map { size in
            try Rounds([loads]).compare(
                "H", "load of \(size) workloads", .perSecond, "store.load.\(size)",
                beside: ("of \(first)", "store.load.\(first)"), must: .ratio(.atLeast, 1 / 1.3))
        }
}

/// One client's commits in a store with a long log, and the same while the oldest revisions are removed.
private func compactionRow(_ session: BenchSession) async throws -> Comparison {
    let count = session.count(1_000_000, least: 2_000)
    let path = try session.scratch.copy(try await session.filled(), as: "compacted")
    let store = try await openStore(at: path)
    try await session.put(count, into: store)
    await store.close()
    let dataset = session.dataset
    func side(_ name: String, keeping bytes: Int) -> Side {
        Side { seconds in
            var options = benchOptions
            options.logRetentionBytes = bytes
            let store = try await openStore(at: path, options)
            let before = try await store.info().compactedRevision.rawValue
            var measurement = try await StoreWork.put.measure(store, dataset, seconds: seconds)
            measurement.work = name
            let removed = try await store.info().compactedRevision.rawValue - before
            if removed > 0 {
                session.show(
                    Measurement(work: "store.compaction", operations: Int(removed), seconds: measurement.seconds)
                        .line())
            }
            await store.close()
            return [measurement]
        }
    }
    let rounds = try await session.alternate([
        side("store.put", keeping: benchOptions.logRetentionBytes), side("store.put.compacting", keeping: 1 << 20),
    ])
    session.scratch.discard("compacted")
    return try rounds.compare(
        "H", "put, one client, while \(count) revisions are compacted", .perSecond, "store.put.compacting",
        beside: ("without", "store.put"), must: .ratio(.atLeast, 0.90))
}
