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
