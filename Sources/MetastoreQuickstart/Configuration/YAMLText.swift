import FoundationEssentials
import Yams
internal import MetastoreTerminal

/// The document behind a configuration: parsed, measured, and written again as JSON.
enum YAMLText {
    /// The one document of a text; its scalars are left for ``ConfigurationNode`` to type.
    static func root(of source: String) throws(ConfigurationError) -> Node {
        do {
            if let node = try Yams.compose(yaml: source, .basic) { return node }
        } catch {
            throw ConfigurationError(problems: [problem(error)])
        }
        throw ConfigurationError(problems: [
            .init(
                line: 1, column: 1, path: "",
                reason: "the file is empty; it must say at least name, "
                    + "hyperparameters and searcher")
        ])
    }

    /// Refuses what is too deep or too much, counting what aliases stand for each time they are used.
    static func checkSize(of root: Node) throws(ConfigurationError) {
        var waiting: [(node: Node, depth: Int)] = [(root, 1)]
        var visited = 0
        while let (node, depth) = waiting.popLast() {
            visited += 1
            let reason =
                if depth > ConfigurationLimits.depthMax {
                    "nested too deeply: at most \(ConfigurationLimits.depthMax) levels are read"
                } else if visited > ConfigurationLimits.nodesMax {
                    "too much here: at most \(Shown.grouped(ConfigurationLimits.nodesMax)) values are read"
                } else { "" }
            guard reason.isEmpty else {
                throw ConfigurationError(problems: [
                    .init(
                        line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, path: "", reason: reason)
                ])
            }
            switch node {
            case .scalar, .alias: break
            case .sequence(let sequence): waiting += sequence.map { ($0, depth + 1) }
            case .mapping(let mapping):
                waiting += mapping.flatMap { [($0.key, depth + 1), ($0.value, depth + 1)] }
            }
        }
    }

    /// The document as JSON, keys sorted; whatever has no place in JSON (±.inf) becomes a text.
    static func json(_ node: Node) -> String {
        switch node {
        case .alias: return "null"
        case .sequence(let sequence): return "[" + sequence.map(json).joined(separator: ",") + "]"
        case .mapping(let mapping):
            let pairs = mapping.map { (key: $0.key.scalar?.string ?? "", value: json($0.value)) }
            let members = pairs.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + $0.value }
            return "{" + members.joined(separator: ",") + "}"
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else { return quoted(scalar.string) }
            switch ConfigurationNode.resolve(scalar.string) {
            case .null: return "null"
            case .flag(let value): return value ? "true" : "false"
            case .integer(let value): return String(value)
            case .number(let value) where value.isFinite: return "\(value)"
            case .number, .text: return quoted(scalar.string)
            }
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || (0x80...0x9F).contains(scalar.value):
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// What the parser said, in our words where its own help nobody.
    private static func problem(_ error: any Error) -> ConfigurationProblem {
        func at(_ mark: Mark?, _ reason: String) -> ConfigurationProblem {
            .init(line: mark?.line ?? 1, column: mark?.column ?? 1, path: "", reason: reason)
        }
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if problem.contains("tab") || problem.contains("start any token") {
                return at(mark, "not YAML: \(problem); indent with spaces, and put such a text in quotes")
            }
            let start = context.map { " (\($0.text), which began in line \($0.mark.line))" } ?? ""
            return at(mark, "not YAML: \(problem)\(start)")
        case .duplicatedKeysInMapping(let names, let context):
            let shown = names.prefix(3).map { "\"\(TerminalText.clean($0, width: 40))\"" }.joined(
                separator: ", ")
            return at(context.mark, "\(shown) stands there twice in one mapping; keep one")
        case .reader(let problem, let offset, _, let text):
            let before = text.unicodeScalars.prefix(offset ?? 0)
            let line = before.count { $0 == "\n" } + 1
            let column = before.reversed().prefix { $0 != "\n" }.count + 1
            return .init(line: line, column: column, path: "", reason: "not a YAML text: \(problem)")
        default: return at(nil, "not YAML")
        }
    }
}
