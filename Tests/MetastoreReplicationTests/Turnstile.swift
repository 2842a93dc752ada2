internal import MetastoreReplication
internal import MetastoreTestSupport

/// Lets calls of several tasks pass one at a time, in an order that follows from a seed.
actor Turnstile {
    private var random: Seeded
    private var waiting: [(task: Int, pass: CheckedContinuation<Void, Never>)] = []
    private var running: Int

    /// - Parameter tasks: how many there are; none passes before all wait or have ended.
    init(_ random: Seeded, tasks: Int) {
        self.random = random
        running = tasks
    }

    func pass(_ task: Int) async {
        await withCheckedContinuation { continuation in
            waiting.append((task, continuation))
            running -= 1
            letOneThrough()
        }
    }

    func leave() {
        running -= 1
        letOneThrough()
    }

    private func letOneThrough() {
        guard running == 0, !waiting.isEmpty else { return }
        waiting.sort { $0.task < $1.task }
        running = 1
        waiting.remove(at: Int.random(in: waiting.indices, using: &random)).pass.resume()
    }
}

/// A target at which calls wait for their turn, and fail now and then: before anything was done, or after all of it.
struct TurnedTarget: PassedTarget {
    let base: any ArchiveTarget
    let turnstile: Turnstile
    let task: Int
    var faults: Faults?

    /// Which calls fail.
    actor Faults {
        private var random: Seeded
        private let share: Double

        init(_ random: Seeded, share: Double) {
            self.random = random
            self.share = share
        }

        func next() -> (before: Bool, after: Bool) {
            (Double.random(in: 0..<1, using: &random) < share, Double.random(in: 0..<1, using: &random) < share)
        }
    }

    func pass<Result>(
        _ call: () async throws(ArchiveError) -> Result
    ) async throws(ArchiveError) -> Result {
        await turnstile.pass(task)
        let fault = await faults?.next() ?? (before: false, after: false)
        let lost = ArchiveError.unavailable(place: place, reason: "injected")
        if fault.before { throw lost }
        let result = try await call()
        if fault.after { throw lost }
        return result
    }
}
