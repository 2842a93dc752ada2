internal import Logging
internal import Synchronization

/// What the store logs, kept instead of printed. The whole process logs here once a store was opened by a bench.
package enum CapturedLog {
    private static let lines = Mutex<[String]>([])

    package static let start: Void = LoggingSystem.bootstrap { _ in Handler() }

    /// The lines that contain a text, oldest first.
    package static func lines(containing text: String) -> [String] {
        lines.withLock { $0.filter { $0.contains(text) } }
    }

    private struct Handler: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
            CapturedLog.lines.withLock { lines in
                lines.append("\(event.level): \(event.message) \(details)")
                if lines.count > 10_000 { lines.removeFirst(5_000) }
            }
        }
    }
}
