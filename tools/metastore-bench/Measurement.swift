import MetastoreModel

/// What one measurement found: one line of output.
struct Measurement: Sendable {
    /// Who, a dot, and what: `store.put`, `floor.put.plain`.
    var work: String
    var clients = 1
    var operations: Int
    var seconds: Double?
    var p50: Double?
    var p99: Double?
    var bytesPerRow: Double?
    var residentKiB: Double?

    var perSecond: Double? { seconds.map { Double(operations) / $0 } }

    init(work: String, clients: Int = 1, operations: Int, seconds: Double? = nil) {
        self.work = work
        self.clients = clients
        self.operations = operations
        self.seconds = seconds
    }

    init(work: String, clients: Int = 1, duration: Duration? = nil, latencies: [Duration]) {
        self.init(
            work: work, clients: clients, operations: latencies.count, seconds: duration.map { $0 / .seconds(1) })
        let sorted = latencies.sorted()
        func percentile(_ hundredth: Int) -> Double? {
            sorted.isEmpty ? nil : sorted[sorted.count * hundredth / 100] / .microseconds(1)
        }
        p50 = percentile(50)
        p99 = percentile(99)
    }

    /// From a line that ``line(round:)`` or the floor wrote.
    init?(line: some StringProtocol) {
        guard let fields = try? JSONObject(parsing: String(line)), let work = fields["work"]?.string,
            let operations = fields["operations"]?.integer
        else { return nil }
        self.init(
            work: work, clients: Int(fields["clients"]?.integer ?? 1), operations: Int(operations),
            seconds: fields["seconds"]?.number)
        p50 = fields["p50_us"]?.number
        p99 = fields["p99_us"]?.number
        bytesPerRow = fields["bytes_per_row"]?.number
        residentKiB = fields["resident_kib"]?.number
    }

    /// As one JSON object.
    func line(round: Int? = nil) -> String {
        var json = JSONLine()
        json.add("work", work)
        json.add("clients", clients)
        json.add("operations", operations)
        json.add("seconds", seconds)
        json.add("per_second", perSecond)
        json.add("p50_us", p50)
        json.add("p99_us", p99)
        json.add("bytes_per_row", bytesPerRow)
        json.add("resident_kib", residentKiB)
        json.add("round", round)
        return json.text
    }
}

/// One JSON object on one line, its members in the order in which they were added; what is nil is left out.
struct JSONLine {
    private var members: [String] = []

    var text: String { "{" + members.joined(separator: ", ") + "}" }

    /// Only texts of this program: nothing in them needs an escape.
    mutating func add(_ name: String, _ text: String?) { add(name, raw: text.map { "\"\($0)\"" }) }
    mutating func add(_ name: String, _ number: Int?) { add(name, raw: number.map { "\($0)" }) }
    mutating func add(_ name: String, _ flag: Bool?) { add(name, raw: flag.map { "\($0)" }) }
    mutating func add(_ name: String, _ number: Double?) { add(name, raw: number.map { "\(Self.rounded($0))" }) }
    mutating func add(_ name: String, _ spread: Spread?) { add(name, raw: spread?.json) }

    private mutating func add(_ name: String, raw: String?) {
        if let raw { members.append("\"\(name)\": \(raw)") }
    }

    /// Four digits after the point are more than any measurement has.
    static func rounded(_ number: Double) -> Double { (number * 10_000).rounded() / 10_000 }
}

/// The median of some rounds, and between what they lay.
struct Spread: Sendable {
    let median: Double
    let low: Double
    let high: Double

    init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        low = first
        high = last
    }

    var json: String {
        var json = JSONLine()
        json.add("median", median)
        json.add("low", low)
        json.add("high", high)
        return json.text
    }
}
