internal import MetastoreCommandLine
internal import MetastoreTerminal
internal import Synchronization
internal import Testing

/// What came of a command of the inspector that was run in this process.
struct Asked {
    let output: String
    let errors: String
    let status: MetastoreCommandLine.ExitStatus
    private(set) var failure: CommandFailure?

    /// Why it failed, and what else was said.
    var reason: Comment { "\(failure.map(\.description) ?? "") \(errors)" }

    /// Opens the store that the options name, and runs a command on it as the program does.
    init(_ options: InspectOptions, _ command: (InspectSession) throws -> MetastoreCommandLine.ExitStatus) {
        let said = Mutex("")
        let screen = CommandScreen(.plain, write: { text in said.withLock { $0 += text } })
        var text = ""
        let output = BufferedOutput(.plain) { text += $0 }
        do {
            status = try InspectSession(options, screen: screen, output: output).run(command)
        } catch {
            let failure = CommandFailure(error, at: options.store)
            status = failure.status
            self.failure = failure
        }
        output.flush()
        (self.output, errors) = (text, said.withLock { $0 })
    }

    /// A command without an answer of its own.
    init(_ options: InspectOptions, showing command: (InspectSession) throws -> Void) {
        self.init(options) { session in
            try command(session)
            return .success
        }
    }
}

extension InspectOptions {
    init(_ store: String, _ format: InspectFormat = .ndjson, at moment: String? = nil) {
        self.init()
        (self.store, self.format, at) = (store, format, moment)
    }
}
