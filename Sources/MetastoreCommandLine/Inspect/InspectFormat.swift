internal import MetastoreModel

/// How the inspector shows an answer.
package enum InspectFormat: String, Sendable, CaseIterable {
    /// For people: what matters.
    case table
    /// For people: everything.
    case wide
    /// One JSON value.
    case json
    /// One JSON object a line, as they come.
    case ndjson
    /// RFC 4180, titles first.
    case csv
    case yaml
    /// Keys, one a line.
    case name
}

extension InspectFormat {
    /// What people read.
    var isTable: Bool { self == .table || self == .wide }

    /// One object, in this format.
    func text(_ json: String, _ lines: () -> [String]) throws -> String {
        switch self {
        case .table, .wide: return lines().map { $0 + "\n" }.joined()
        case .json: return JSONText.pretty(json) + "\n"
        case .ndjson: return json + "\n"
        case .yaml: return YAMLText.text(.object(try JSONObject(parsing: json).values))
        case .csv, .name: throw CommandFailure(.usage, "-o \(rawValue) is for lists. Use table, json or yaml.")
        }
    }
}
