internal import Logging

/// What the library logs, among the lines of a command: it would break a painted line otherwise.
struct ScreenLog: LogHandler {
    let screen: CommandScreen
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    /// From now on, for the whole process.
    static func begin(on screen: CommandScreen) {
        LoggingSystem.bootstrap { _ in ScreenLog(screen: screen) }
    }

    init(screen: CommandScreen) { self.screen = screen }

    func log(event: LogEvent) {
        let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        screen.say("note: \(event.message)" + (details.isEmpty ? "" : " (\(details.joined(separator: ", ")))"))
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}
