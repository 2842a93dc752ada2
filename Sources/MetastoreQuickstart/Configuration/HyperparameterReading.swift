internal import MetastoreTerminal

extension Hyperparameter {
    private static let types = ["const", "double", "log", "int", "categorical"]

    /// Reads `{type: …}`, or a bare scalar as a constant; refuses with the line and gives nil.
    init?(reading place: ConfigurationNode) {
        if place.isScalar {
            guard let value = place.value() else { return nil }
            self = .constant(value)
            return
        }
        guard let section = ConfigurationSection(place),
            let kind = section.required("type", "double"), let type = kind.text()
        else { return nil }
        let read: Hyperparameter?
        switch type {
        case "const": read = section.required("val", "0.1")?.value().map { .constant($0) }
        case "double": read = Self.double(section)
        case "log": read = Self.log(section)
        case "int": read = Self.integer(section)
        case "categorical": read = Self.categorical(section)
        default:
            kind.refuse(
                "\"\(TerminalText.clean(type, width: 40))\" is no type of hyperparameter; there are "
                    + Self.types.joined(separator: ", ") + "." + Suggestion.text(for: type, among: Self.types)
            )
            return nil
        }
        section.finish()
        guard let read else { return nil }
        self = read
    }

    private static func double(_ section: ConfigurationSection) -> Hyperparameter? {
        let minimum = section.required("minval", "0.1")?.number()
        let end = section.required("maxval", "0.9")
        let maximum = end?.number()
        let count = count(section)
        guard let minimum, let maximum, ordered(minimum, maximum, end) else { return nil }
        return .double(minimum: minimum, maximum: maximum, count: count)
    }

    private static func log(_ section: ConfigurationSection) -> Hyperparameter? {
        let base = section.optional("base").map { $0.number(in: 1.000_001...1e6) } ?? 10
        let exponents = -300.0...300.0
        let start = section.required("minval", "-4")
        let end = section.required("maxval", "-1")
        let minimum = start?.number(in: exponents)
        let maximum = end?.number(in: exponents)
        let count = count(section)
        guard let base, let minimum, let maximum, ordered(minimum, maximum, end) else { return nil }
        let hyperparameter = Hyperparameter.log(base: base, minimum: minimum, maximum: maximum, count: count)
        for (place, corner) in zip([start, end], hyperparameter.corners) {
            guard let value = corner.number, value.isFinite, value > 0 else {
                place?.refuse(
                    "is an exponent: \(Shown.number(base)) to this power is not a number a computer can hold")
                return nil
            }
        }
        return hyperparameter
    }

    private static func integer(_ section: ConfigurationSection) -> Hyperparameter? {
        let range = -ConfigurationLimits.batchesMax...ConfigurationLimits.batchesMax
        let minimum = section.required("minval", "1")?.integer(in: range)
        let end = section.required("maxval", "8")
        let maximum = end?.integer(in: range)
        let count = count(section)
        guard let minimum, let maximum, ordered(minimum, maximum, end) else { return nil }
        return .integer(minimum: minimum, maximum: maximum, count: count)
    }

    private static func categorical(_ section: ConfigurationSection) -> Hyperparameter? {
        guard let place = section.required("vals", "[16, 32]"),
            let list = place.list(countMax: ConfigurationLimits.categoriesMax)
        else { return nil }
        let values = list.compactMap { $0.value() }
        guard values.count == list.count else { return nil }
        guard !values.isEmpty else { return place.wrong("at least one value") }
        for (index, value) in values.enumerated() where values[..<index].contains(value) {
            list[index].refuse("\(value) is in the list twice")
            return nil
        }
        return .categorical(values)
    }

    private static func count(_ section: ConfigurationSection) -> Int? {
        section.optional("count")?.integer(in: 1...ConfigurationLimits.gridPointsMax)
    }

    private static func ordered<Bound: Comparable>(
        _ minimum: Bound, _ maximum: Bound, _ end: ConfigurationNode?
    ) -> Bool {
        guard minimum > maximum else { return true }
        end?.refuse(
            "maxval \(maximum) is below minval \(minimum); swap them, or use type const for a single value")
        return false
    }
}
