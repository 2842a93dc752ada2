/// Something that is measured once a round.
struct Side: Sendable {
    let measure: @Sendable (_ seconds: Double) async throws -> [Measurement]

    init(_ measure: @escaping @Sendable (_ seconds: Double) async throws -> [Measurement]) {
        self.measure = measure
    }
}

/// The number of a measurement that a row is about.
enum Figure: Sendable {
    case perSecond, p50, p99, bytesPerRow, residentKiB

    var unit: String {
        switch self {
        case .perSecond: "/s"
        case .p50: "µs (median)"
        case .p99: "µs (p99)"
        case .bytesPerRow: "B a row"
        case .residentKiB: "KiB"
        }
    }

    func of(_ measurement: Measurement) -> Double? {
        switch self {
        case .perSecond: measurement.perSecond
        case .p50: measurement.p50
        case .p99: measurement.p99
        case .bytesPerRow: measurement.bytesPerRow
        case .residentKiB: measurement.residentKiB
        }
    }
}

/// What a row must reach: the ratio, or the figure itself.
struct Bound: Sendable {
    enum Subject { case ratio, figure }
    enum Relation: String { case atLeast = "≥", atMost = "≤" }

    let subject: Subject
    let relation: Relation
    let limit: Double

    static func ratio(_ relation: Relation, _ limit: Double) -> Bound {
        Bound(subject: .ratio, relation: relation, limit: limit)
    }

    static func figure(_ relation: Relation, _ limit: Double) -> Bound {
        Bound(subject: .figure, relation: relation, limit: limit)
    }

    func isReached(_ value: Double) -> Bool { relation == .atLeast ? value >= limit : value <= limit }

    func text(_ figure: Figure) -> String {
        "\(relation.rawValue) \(Table.number(limit))\(subject == .ratio ? " ×" : " \(figure.unit)")"
    }
}

/// One line of the table: a figure of ours beside another's, of the same rounds.
struct Comparison: Sendable {
    let row: String
    let what: String
    let figure: Figure
    let ours: Spread
    /// Beside what: "floor", "without watchers".
    var beside: String?
    var theirs: Spread?
    /// Ours ÷ theirs, round by round.
    var ratio: Spread?
    var must: Bound?

    var isReached: Bool? {
        guard let must else { return nil }
        return (must.subject == .ratio ? ratio?.median : ours.median).map(must.isReached)
    }

    var line: String {
        var json = JSONLine()
        json.add("row", row)
        json.add("what", what)
        json.add("unit", figure.unit)
        json.add("ours", ours)
        json.add("beside", beside)
        json.add("theirs", theirs)
        json.add("ratio", ratio)
        json.add("must", must.map { $0.text(figure) })
        json.add("reached", isReached)
        return json.text
    }
}

/// What the sides measured, round by round.
struct Rounds: Sendable {
    private let found: [[Measurement]]

    init(_ found: [[Measurement]]) {
        self.found = found
    }

    enum Failure: Error { case missing(String) }

    /// One figure of each round.
    func values(_ figure: Figure, _ work: String) throws -> [Double] {
        try found.map { round in
            guard let value = round.first(where: { $0.work == work }).flatMap(figure.of) else {
                throw Failure.missing(work)
            }
            return value
        }
    }

    /// - Parameters:
    ///   - beside: whose measurement it stands beside, in words, and its name.
    func compare(
        _ row: String, _ what: String, _ figure: Figure, _ work: String, beside: (String, String)? = nil,
        must: Bound? = nil
    ) throws -> Comparison {
        let ours = try values(figure, work)
        let theirs = try beside.map { try values(figure, $0.1) }
        guard let spread = Spread(ours) else { throw Failure.missing(work) }
        return Comparison(
            row: row, what: what, figure: figure, ours: spread, beside: beside?.0, theirs: theirs.flatMap(Spread.init),
            ratio: theirs.flatMap { Spread(zip(ours, $0).map { $0 / $1 }) }, must: must)
    }
}
