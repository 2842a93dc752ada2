package import MetastoreCommandLine
internal import MetastoreTerminal

/// What a sequence of commands answers, whole.
package struct Transcript {
    package private(set) var text = ""
    private let format: OutputFormat

    package init(_ format: OutputFormat) { self.format = format }

    package mutating func add(_ command: String, _ report: some CommandReport) throws {
        text += "$ \(command)\n" + (try report.text(format, .plain)) + "exit \(report.exitStatus.rawValue)\n\n"
    }

    package mutating func add(_ command: String, _ failure: CommandFailure?) {
        text += "$ \(command)\nerror: \(failure?.description ?? "none")\nexit \(failure?.status.rawValue ?? 0)\n\n"
    }

    /// What was said on standard error.
    package mutating func addErrors(_ said: [String]) { text += "standard error\n" + said.joined() }
}
