import Metastore

/// D. Reads: a trial by its id, a page of experiments, a trial's workloads, the best validation.
func readRow(_ session: BenchSession) async throws -> [Comparison] {
    let dataset = session.dataset
    return try await session.withPair { store, path in
        func rounds(_ work: StoreWork, _ arguments: [String], _ more: StoreWork...) async throws -> Rounds {
            var sides = [session.side(work, store)] + more.map { session.side($0, store) }
            if session.server == nil { sides.append(session.floor.side(work.rawValue, path, arguments)) }
            return try await session.alternate(sides)
        }
        func beside(_ work: StoreWork) -> (String, String)? {
            session.server == nil ? ("floor", "floor.\(work.rawValue)") : nil
        }
        func must(_ relation: Bound.Relation, _ ratio: Double) -> Bound? {
            session.server == nil ? .ratio(relation, ratio) : nil
        }
        let points = try await rounds(
            .read, ["--first", "\(dataset.firstPoint)", "--count", "\(dataset.points)"], .readAwaited)
        var sides = [StoreWork.page, .deepPage, .pageAwaited].map { session.side($0, store) }
        if session.server == nil {
            sides.append(session.floor.side("page", path))
            sides.append(session.floor.side("page.deep", path, ["--first", "\(dataset.beforeDeepPage)"]))
        }
        let pages = try await session.alternate(sides)
        let workloads = try await rounds(
            .workloads, ["--first", "\(dataset.listed)", "--count", "\(dataset.workloads)"])
        let best = try await rounds(.best, ["--first", "\(Dataset.pointed)"])
        let deepIsFlat = Bound.ratio(.atMost, 1.1)
        return [
            try points.compare(
                "D", "read, inside one read", .perSecond, "store.read", beside: beside(.read),
                must: must(.atLeast, 0.70)),
            try points.compare(
                "D", "read, each awaited", .perSecond, "store.read.awaited",
                must: session.server == nil ? .figure(.atLeast, 40_000) : nil),
            try pages.compare(
                "page", "50 experiments", .p50, "store.page", beside: beside(.page), must: must(.atMost, 1.4)),
            try pages.compare(
                "page", "50 experiments, deep", .p50, "store.page.deep", beside: beside(.deepPage),
                must: must(.atMost, 1.4)),
            try pages.compare(
                "page", "the deep page", .p50, "store.page.deep", beside: ("the first", "store.page"),
                must: deepIsFlat),
            try pages.compare("page", "50 experiments, awaited", .p50, "store.page.awaited"),
            try workloads.compare(
                "workloads", "\(dataset.workloads) of a trial", .p50, "store.workloads", beside: beside(.workloads),
                must: must(.atMost, 1.1)),
            try best.compare(
                "best", "of \(dataset.points) validations", .p50, "store.best", beside: beside(.best),
                must: .figure(.atMost, 100)),
        ]
    }
}
