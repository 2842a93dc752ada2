/// Runs the work on some tasks until the time is over, and at least once: each waits for its answer and calls again.
func measureTasks(
    _ name: String, seconds: Double, clients: Int, _ work: @escaping @Sendable (Int, Int) async throws -> Void
) async throws -> Measurement {
    let began = ContinuousClock.now
    let end = began + .seconds(seconds)
    let latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
        for client in 0..<clients {
            group.addTask {
                var latencies: [Duration] = []
                var number = 0
                var before = ContinuousClock.now
                repeat {
                    try await work(client, number)
                    let after = ContinuousClock.now
                    latencies.append(after - before)
                    before = after
                    number += 1
                } while before < end
                return latencies
            }
        }
        return try await group.reduce(into: []) { $0 += $1 }
    }
    return Measurement(work: name, clients: clients, duration: ContinuousClock.now - began, latencies: latencies)
}

/// Runs the work on this thread until the time is over; each call is long beside a look at the clock.
func measureEach(_ name: String, seconds: Double, _ work: () throws -> Void) throws -> Measurement {
    var latencies: [Duration] = []
    let began = ContinuousClock.now
    let end = began + .seconds(seconds)
    var before = began
    repeat {
        try work()
        let after = ContinuousClock.now
        latencies.append(after - before)
        before = after
    } while before < end
    return Measurement(work: name, duration: before - began, latencies: latencies)
}

/// Runs the work on this thread until the time is over, and looks at the clock now and then only.
func measureMany(_ name: String, seconds: Double, _ work: (Int) throws -> Void) throws -> Measurement {
    let began = ContinuousClock.now
    let end = began + .seconds(seconds)
    var number = 0
    repeat {
        try work(number)
        number += 1
    } while number % 64 != 0 || ContinuousClock.now < end
    return Measurement(work: name, operations: number, seconds: (ContinuousClock.now - began) / .seconds(1))
}
