import Yams
internal import MetastoreTerminal

/// A mapping of a configuration that is being read: hands out its values by name, and in the end refuses the
/// names nobody asked for.
final class ConfigurationSection {
    /// The mapping itself.
    let place: ConfigurationNode
    private var values: [(name: ConfigurationNode, value: ConfigurationNode)] = []
    private var asked: Set<String> = []

    /// Refuses what is no mapping, and keys that are no texts.
    init?(_ place: ConfigurationNode) {
        guard case .mapping(let mapping) = place.node else {
            place.refuse("wants a mapping (\"name: value\" lines), found \(place.shown)")
            return nil
        }
        self.place = place
        for (key, value) in mapping {
            let prefix = place.path.isEmpty ? "" : place.path + "."
            guard let name = key.scalar?.string, !name.isEmpty else {
                ConfigurationNode(node: key, path: place.path, findings: place.findings)
                    .refuse("a name must be a text that isn't empty")
                continue
            }
            let path = prefix + TerminalText.clean(name, width: 60)
            values.append(
                (
                    .init(node: key, path: path, findings: place.findings),
                    .init(node: value, path: path, findings: place.findings)
                ))
        }
    }

    /// The names in the order of the file, with where they and their values stand.
    var entries: [(name: ConfigurationNode, value: ConfigurationNode)] {
        asked.formUnion(values.compactMap { $0.name.node.scalar?.string })
        return values
    }

    /// The value of a name, or nil if it isn't there or stands empty.
    func optional(_ name: String) -> ConfigurationNode? {
        asked.insert(name)
        guard let found = values.first(where: { $0.name.node.scalar?.string == name })?.value else {
            return nil
        }
        if case .null = found.scalar { return nil }
        return found
    }

    /// The value of a name; refuses its absence.
    func required(_ name: String, _ example: String) -> ConfigurationNode? {
        if let found = optional(name) { return found }
        let path = (place.path.isEmpty ? "" : place.path + ".") + name
        if let empty = values.first(where: { $0.name.node.scalar?.string == name }) {
            empty.name.refuse("has no value; for example \"\(name): \(example)\"")
        } else {
            ConfigurationNode(node: place.node, path: path, findings: place.findings)
                .refuse("is missing; for example \"\(name): \(example)\"")
        }
        return nil
    }

    /// The section under a name, if it is there and is one.
    func section(_ name: String) -> ConfigurationSection? {
        optional(name).flatMap { ConfigurationSection($0) }
    }

    func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) -> Int {
        guard let place = optional(name) else { return fallback }
        return place.integer(in: range) ?? fallback
    }

    func number(_ name: String, in range: ClosedRange<Double>, default fallback: Double) -> Double {
        guard let place = optional(name) else { return fallback }
        return place.number(in: range) ?? fallback
    }

    /// Refuses every name that was never asked for.
    func finish(also known: [String] = []) {
        for (name, _) in values {
            guard let text = name.node.scalar?.string, !asked.contains(text), !known.contains(text) else {
                continue
            }
            let here = place.path.isEmpty ? "an experiment" : place.path
            let candidates = asked.union(known)
            let hint = Suggestion.text(for: text, among: candidates.sorted())
            name.refuse(
                "is nothing \(here) knows."
                    + (hint.isEmpty ? " Known: \(candidates.sorted().joined(separator: ", "))" : hint))
        }
    }
}
