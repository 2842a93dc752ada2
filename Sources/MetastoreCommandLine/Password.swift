internal import FoundationEssentials

/// Where a server's password comes from: a file, or the environment; never the command line.
package struct Password: Sendable, Hashable {
    /// The environment variable that is looked at when no file is named.
    package static let variable = "METASTORE_PASSWORD"

    private let file: String?
    private let inherited: String?

    /// - Parameters:
    ///   - file: read at every connect, so that a password may be exchanged; its first line counts.
    ///   - environment: that of the process.
    package init(file: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.file = file
        inherited = environment[Self.variable]
    }

    /// Asked at every connect; nil where there is none to give.
    var closure: (@Sendable () async throws -> String)? {
        if let file { return { try Self.firstLine(of: file) } }
        guard let inherited else { return nil }
        return { inherited }
    }

    private static func firstLine(of file: String) throws(CommandFailure) -> String {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure(.missing, "\(file): the password's file can't be read. Check its path and its rights.")
        }
        return String(String(decoding: data, as: UTF8.self).prefix { !$0.isNewline })
    }
}
