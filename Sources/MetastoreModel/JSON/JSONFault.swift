/// What is wrong with a JSON text or value; the place is completed on the way out.
struct JSONFault: Error {
    enum Problem {
        case malformed(offset: Int, reason: String)
        case invalid(reason: String)
        case numberOutOfRange
        case tooDeep
    }

    let problem: Problem
    /// From the innermost step to the outermost.
    private var steps: [String] = []

    init(_ problem: Problem) {
        self.problem = problem
    }

    static func malformed(_ offset: Int, _ reason: String) -> JSONFault {
        JSONFault(.malformed(offset: offset, reason: reason))
    }

    static let nul = JSONFault(
        .invalid(reason: "a NUL character in text isn't kept unchanged by every engine"))

    func inside(key: String) -> JSONFault {
        var fault = self
        fault.steps.append("." + JSONFault.shown(key))
        return fault
    }

    func inside(index: Int) -> JSONFault {
        var fault = self
        fault.steps.append("[\(index)]")
        return fault
    }

    var modelError: ModelError {
        let path = "$" + steps.reversed().joined()
        return switch problem {
        case .malformed(let offset, let reason): .malformed(field: path, offset: offset, reason: reason)
        case .invalid(let reason): .invalid(field: path, reason: reason)
        case .numberOutOfRange: .numberOutOfRange(field: path)
        case .tooDeep: .invalid(field: path, reason: "it is nested deeper than \(Limits.jsonDepth) levels")
        }
    }

    /// A key as it may stand in an error: short, and nothing that moves a cursor.
    private static func shown(_ key: String) -> String {
        let printable = key.unicodeScalars.prefix(64).map {
            $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : $0
        }
        return String(String.UnicodeScalarView(printable))
    }
}
