/// The same statements in plain C (tools/bench-floor), as a process of its own on a copy of the same store.
struct Floor: Sendable {
    let program: String

    /// Beside the sources that this program was built from.
    init() {
        let tools = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        program = tools.joined(separator: "/") + "/bench-floor/run"
    }

    /// One work on a database, as tools/bench-floor/run takes it.
    func side(_ work: String, _ path: String, _ arguments: [String] = []) -> Side {
        let program = program
        return Side { seconds in
            try ChildProcess.measurements(
                program, [work, "--path", path, "--seconds", "\(seconds)"] + arguments)
        }
    }
}
