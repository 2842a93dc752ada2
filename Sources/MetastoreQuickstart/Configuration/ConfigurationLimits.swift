internal import MetastoreTerminal

/// What a configuration may not exceed. At each bound it is refused, naming the line, before anything is
/// written.
package enum ConfigurationLimits {
    /// The file.
    package static let bytesMax = 1 << 20
    /// Collections within collections.
    package static let depthMax = 32
    /// Scalars, sequences and mappings together, each alias counted as often as it is used.
    package static let nodesMax = 20_000
    /// Uses of YAML aliases. With so few, what they expand to stays small whatever they stand for.
    package static let aliasesMax = 8
    /// Names: experiment, hyperparameter, metric, pool, label.
    package static let nameBytesMax = 128
    /// The description.
    package static let descriptionBytesMax = 4096
    package static let labelsMax = 64
    package static let hyperparametersMax = 64
    package static let categoriesMax = 1000
    /// Points of a grid.
    package static let gridPointsMax = 100_000
    /// Trials of a random or halving search, whose state is written with every result.
    package static let trialsMax = 10_000
    package static let concurrentTrialsMax = 1000
    package static let batchesMax = 1_000_000_000
    package static let rungsMax = 16
    package static let restartsMax = 1000
    package static let agentsMax = 1000
    package static let slotsPerAgentMax = 64
    package static let checkpointsKeptMax = 10_000

    /// Looks at the bare text, before a parser does, for what could make parsing itself expensive.
    static func check(_ text: String) throws(ConfigurationError) {
        func refuse(_ line: Int, _ column: Int, _ reason: String) throws(ConfigurationError) {
            throw ConfigurationError(
                problems: [.init(line: line, column: column, path: "", reason: reason)])
        }
        guard text.utf8.count <= bytesMax else {
            return try refuse(1, 1, "the file has \(Shown.bytes(text.utf8.count)); at most 1 MiB is read")
        }
        // Counted without regard to quotes and comments, so never too few: a "*" that starts something is
        // taken for an alias, an unclosed bracket for nesting.
        var line = 1
        var column = 0
        var aliases = 0
        var brackets = 0
        var leading = 0
        var anchored = false
        var atStart = true
        var previous: Unicode.Scalar = "\n"
        for scalar in text.unicodeScalars {
            column += 1
            if previous == "*", !scalar.properties.isWhitespace { aliases += 1 }
            if previous == "&", !scalar.properties.isWhitespace { anchored = true }
            switch scalar {
            case "\n": (line, column, leading, atStart) = (line + 1, 0, 0, true)
            case "[", "{": brackets += 1
            case "]", "}": brackets = max(0, brackets - 1)
            case "-", "?", ":": if atStart { leading += 1 }
            case " ": break
            default: atStart = false
            }
            if brackets > depthMax || leading > 80 {
                return try refuse(line, column, "nested too deeply: at most \(depthMax) levels are read")
            }
            if anchored && aliases > aliasesMax {
                return try refuse(
                    line, column,
                    "more than \(aliasesMax) aliases (*name) in a file with anchors (&name); "
                        + "write the values out")
            }
            previous = scalar
        }
    }
}
