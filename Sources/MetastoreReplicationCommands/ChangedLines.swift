/// What is told of with a line: at once when it becomes another thing, now and then when only its numbers move.
protocol ChangingSight: Sendable, Equatable {
    /// What it is, without its numbers.
    var key: String { get }
}

/// Decides when there is a line to write.
struct ChangedLines<Sight: ChangingSight>: Sendable {
    private let interval: Duration
    private var last: (sight: Sight, time: ContinuousClock.Instant)?

    /// - Parameter interval: numbers alone are told of no more often.
    init(_ interval: Duration) { self.interval = interval }

    /// The sight, if it is worth a line now.
    mutating func next(_ sight: Sight, at now: ContinuousClock.Instant) -> Sight? {
        if let last, last.sight == sight || (last.sight.key == sight.key && now < last.time + interval) { return nil }
        last = (sight, now)
        return sight
    }
}
