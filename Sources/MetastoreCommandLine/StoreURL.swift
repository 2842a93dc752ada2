package import MetastoreEngine
internal import MetastorePostgreSQL
internal import MetastoreSQLite

/// Where a store is, as a command line names it: a path, `sqlite:PATH`, or a `postgresql://` URL.
///
/// A PostgreSQL URL may name the store's schema as `?schema=NAME`; without it the schema is `metastore`. A password in
/// it is refused: everybody on the machine sees the arguments of a process.
package struct StoreURL: Sendable, Hashable, CustomStringConvertible {
    /// The engine, and where it finds the store.
    package enum Place: Sendable, Hashable {
        case sqlite(path: String)
        case postgresql(connection: String, schema: String)
    }

    package let place: Place

    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage``.
    package init(_ text: String) throws(CommandFailure) {
        guard !text.isEmpty else { throw Self.refusal("no store is named", "Give a path or a URL.") }
        let scheme = text.firstIndex(of: ":").map { text[..<$0].lowercased() }
        switch scheme {
        case "postgresql", "postgres": place = try Self.server(text)
        case "sqlite":
            var path = text.dropFirst("sqlite:".count)
            if path.hasPrefix("//") { path = path.dropFirst(2) }
            guard !path.isEmpty else { throw Self.refusal("'\(text)' has no path", "Write sqlite:PATH.") }
            place = .sqlite(path: String(path))
        case let scheme? where text.dropFirst(scheme.count).hasPrefix("://"):
            throw Self.refusal(
                "'\(scheme):' is no engine of a store", "Give a path, sqlite:PATH or postgresql://HOST/DATABASE.")
        default: place = .sqlite(path: text)
        }
    }

    private init(_ place: Place) { self.place = place }

    /// Another schema of the same database.
    package func `in`(schema: String) throws(CommandFailure) -> StoreURL {
        guard case .postgresql(let connection, _) = place else { throw Self.refusal("a file has no schemas", "") }
        return StoreURL(.postgresql(connection: connection, schema: schema))
    }

    /// What to open, with the password that ``Password`` finds.
    package func source(_ password: Password) throws(CommandFailure) -> EngineSource {
        switch place {
        case .sqlite(let path): return .sqlite(path)
        case .postgresql(let connection, let schema):
            #if PostgreSQL
                return .postgresql(connection, schema: schema, password: password.closure)
            #else
                throw CommandFailure(
                    .usage, "this program was built without PostgreSQL (\(schema)). Use the one that has it.")
            #endif
        }
    }

    /// As it may be shown: without a user's secrets.
    package var description: String {
        switch place {
        case .sqlite(let path): path
        case .postgresql(let connection, let schema):
            schema == Self.schema
                ? connection : connection + (connection.contains("?") ? "&" : "?") + "schema=\(schema)"
        }
    }

    private static let schema = "metastore"

    private static func server(_ text: String) throws(CommandFailure) -> Place {
        guard let slashes = text.firstRange(of: "://") else {
            throw refusal("'\(text)' is no URL", "Write postgresql://USER@HOST/DATABASE.")
        }
        let rest = text[slashes.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        if let at = authority.lastIndex(of: "@"), authority[..<at].contains(":") { throw hasPassword }
        guard let mark = rest.firstIndex(of: "?") else { return .postgresql(connection: text, schema: schema) }
        var schema = schema
        var kept: [Substring] = []
        for pair in rest[rest.index(after: mark)...].split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            let value = pair.dropFirst(name.count + 1)
            switch name {
            case "schema":
                guard !value.isEmpty, !value.contains("%") else {
                    throw refusal(
                        "schema= names no schema", "Write ?schema=NAME without percent signs, or leave it out.")
                }
                schema = String(value)
            case "password", "sslpassword": throw hasPassword
            default: kept.append(pair)
            }
        }
        let query = kept.isEmpty ? "" : "?" + kept.joined(separator: "&")
        return .postgresql(connection: text[..<mark] + query, schema: schema)
    }

    private static func refusal(_ what: String, _ advice: String) -> CommandFailure {
        CommandFailure(.usage, "\(what). \(advice)")
    }

    private static var hasPassword: CommandFailure {
        refusal(
            "there is a password in the URL, where everybody on this machine can see it",
            "Leave it out, and use --password-file FILE or the environment variable \(Password.variable). "
                + "Change that password: it may be in your shell's history.")
    }
}
