import Metastore

/// A. Durable one-row commits by one client: a new key-value entry, and a workload's report.
func oneClientRow(_ session: BenchSession) async throws -> [Comparison] {
    try await session.withPair { store, path in
        var lines: [Comparison] = []
        for work in [StoreWork.put, .report] {
            lines += try await session.commits("A", work, store, path, ratio: 0.90, slowest: 1.2)
        }
        return lines
    }
}

/// B. The same by 64 clients, beside the floor's group commit and beside one commit after the other.
func manyClientsRow(_ session: BenchSession) async throws -> [Comparison] {
    try await session.withPair { store, path in
        var lines: [Comparison] = []
        for work in [StoreWork.put, .report] {
            let clients = ["--clients", "64", "--first", "\(session.dataset.firstWriter)"]
            var sides = [session.side(work, store, clients: 64)]
            if session.server == nil {
                sides.append(session.floor.side(work.rawValue, path, clients))
                sides.append(session.floor.side(work.rawValue, path, clients + ["--batch", "1"]))
            }
            let rounds = try await session.alternate(sides)
            let what = "\(work.rawValue), 64 clients"
            guard session.server == nil else {
                lines.append(try rounds.compare("B", what, .perSecond, work.name))
                continue
            }
            lines.append(
                try rounds.compare(
                    "B", what, .perSecond, work.name, beside: ("floor, group commit", "floor.\(work)"),
                    must: .ratio(.atLeast, 0.90)))
            lines.append(
                try rounds.compare(
                    "B", what, .perSecond, work.name, beside: ("floor, one by one", "floor.\(work).one-by-one"),
                    must: .ratio(.atLeast, 4)))
        }
        return lines
    }
}

/// C. A trial's state, compared and set.
func transitionRow(_ session: BenchSession) async throws -> [Comparison] {
    try await session.withPair { store, path in
        try await session.commits("C", .transition, store, path, ratio: 0.85)
    }
}

extension BenchSession {
    func side(_ work: StoreWork, _ store: Metastore, clients: Int = 1) -> Side {
        let dataset = dataset
        return Side { seconds in
            [try await work.measure(store, dataset, clients: clients, seconds: seconds)]
        }
    }

    /// One client's commits beside the floor's, and beside its plain loop.
    fileprivate func commits(
        _ row: String, _ work: StoreWork, _ store: Metastore, _ path: String, ratio: Double, slowest: Double? = nil
    ) async throws -> [Comparison] {
        let what = "\(work.rawValue), one client"
        guard server == nil else {
            return [try await alternate([side(work, store)]).compare(row, what, .perSecond, work.name)]
        }
        let first = ["--first", "\(dataset.firstWriter)"]
        let rounds = try await alternate([
            side(work, store), floor.side(work.rawValue, path, first),
            floor.side(work.rawValue, path, first + ["--plain"]),
        ])
        return [
            try rounds.compare(
                row, what, .perSecond, work.name, beside: ("floor", "floor.\(work)"), must: .ratio(.atLeast, ratio)),
            try rounds.compare(
                row, what, .p99, work.name, beside: ("floor", "floor.\(work)"),
                must: slowest.map { .ratio(.atMost, $0) }),
            try rounds.compare(
                row, what, .perSecond, work.name, beside: ("floor, plain loop", "floor.\(work).plain")),
        ]
    }
}
