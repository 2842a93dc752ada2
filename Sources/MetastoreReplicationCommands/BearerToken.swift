internal import FoundationEssentials
package import MetastoreCommandLine

/// Where the token that a server asks for comes from: a file, or the environment; never the command line.
package enum BearerToken {
    /// The environment variable that is looked at when no file is named.
    package static let variable = "METASTORE_TOKEN"

    /// Nil where there is none to give.
    ///
    /// - Parameter file: its first line counts.
    package static func read(
        file: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(CommandFailure) -> String? {
        guard let file else { return environment[variable] }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure(.missing, "\(file): the token's file can't be read. Check its path and its rights.")
        }
        let token = String(decoding: data, as: UTF8.self).prefix { !$0.isNewline }
        guard !token.isEmpty else { throw CommandFailure(.usage, "\(file): the token's file has no first line.") }
        return String(token)
    }
}
