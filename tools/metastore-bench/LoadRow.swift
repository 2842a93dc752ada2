import FoundationEssentials
import Metastore
import MetastoreModel

/// E. Bulk load: workloads of one trial after another, 1,000 a revision, their log with them.
func loadRow(_ session: BenchSession) async throws -> [Comparison] {
    let count = session.count(1_000_000, least: Dataset.workloadsPerLoader)
    let source = try await session.filled()
    let rounds = try await session.alternate(
        warmUp: false,
        [
            Side { _ in [try await session.load(count, copying: source, as: "loaded")] },
            session.loadOnFloor(count, copying: source),
        ])
    return [
        try rounds.compare(
            "E", "load of \(count) workloads", .perSecond, "store.load", beside: ("floor", "floor.load"),
            must: .ratio(.atLeast, 0.80)),
        try rounds.compare(
            "E", "load of \(count) workloads", .bytesPerRow, "store.load", beside: ("floor", "floor.load"),
            must: .ratio(.atMost, 0.90)),
    ]
}

extension BenchSession {
    /// Loads into a copy, which stays there, closed.
    func load(_ count: Int, copying source: String, as name: String) async throws -> Measurement {
        let path = try scratch.copy(source, as: name)
        let before = Scratch.size(path)
        let store = try await openStore(at: path)
        let began = ContinuousClock.now
        try await dataset.load(count, into: store)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        // Closing brings the write-ahead log into the file.
        await store.close()
        var measurement = Measurement(work: "store.load", operations: count, seconds: seconds)
        measurement.bytesPerRow = Double(Scratch.size(path) - before) / Double(count)
        return measurement
    }

    func loadOnFloor(_ count: Int, copying source: String, _ more: [String] = []) -> Side {
        let dataset = dataset
        return Side { [self] seconds in
            let path = try scratch.copy(source, as: "floor")
            defer { scratch.discard("floor") }
            return try await floor.side(
                "load", path, ["--count", "\(count)", "--first", "\(dataset.firstLoader)"] + more
            ).measure(seconds)
        }
    }

    /// A store with so many workloads loaded, that nobody has open.
    func loaded(_ count: Int) async throws -> String {
        let path = scratch.file("loaded")
        if !FileManager.default.fileExists(atPath: path) {
            _ = try await load(count, copying: try await filled(), as: "loaded")
        }
        return path
    }
}
