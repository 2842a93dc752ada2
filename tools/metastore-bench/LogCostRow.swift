/// K. What the log costs: A, C and E on the floor, with its row and link and without. The store has no such switch.
func logCostRow(_ session: BenchSession) async throws -> [Comparison] {
    let source = try await session.filled()
    let with = try session.scratch.copy(source, as: "floor-with")
    let without = try session.scratch.copy(source, as: "floor-without")
    var lines: [Comparison] = []
    for (row, work, least) in [("A", "put", 0.85), ("C", "transition", 0.82)] {
        let arguments = ["--first", "\(session.dataset.firstWriter)"]
        let rounds = try await session.alternate([
            session.floor.side(work, with, arguments),
            session.floor.side(work, without, arguments + ["--without-log"]),
        ])
        lines.append(
            try rounds.compare(
                "K", "\(row) with the log", .perSecond, "floor.\(work)",
                beside: ("without", "floor.\(work).without-log"), must: .ratio(.atLeast, least)))
    }
    session.scratch.discard("floor-with")
    session.scratch.discard("floor-without")
    let count = session.count(1_000_000, least: Dataset.workloadsPerLoader)
    let rounds = try await session.alternate(
        warmUp: false,
        [
            session.loadOnFloor(count, copying: source),
            session.loadOnFloor(count, copying: source, ["--without-log"]),
        ])
    lines.append(
        try rounds.compare(
            "K", "E with the log", .perSecond, "floor.load", beside: ("without", "floor.load.without-log"),
            must: .ratio(.atLeast, 0.65)))
    return lines
}
