internal import Synchronization

extension PostgreSQLServer {
    /// How a client reaches the server.
    package enum Way: Sendable {
        case socket
        /// Needs ``ServerOptions/listensOnLoopback``.
        case loopback
    }

    /// A connection string of libpq. Holds the superuser's password where the server asks for it.
    package func connection(to database: String = "postgres", over way: Way = .socket) -> String {
        let host = way == .socket ? socketFolder : "127.0.0.1"
        let string = "host=\(host) port=\(port) dbname=\(database) user=\(Self.user)"
        return options.authentication == .trust ? string : "\(string) password='\(Self.password)'"
    }

    /// Makes an empty database, or a copy of `template`, and returns its name.
    package func makeDatabase(template: String = "template0") throws -> String {
        let name = "test_\(databases.add(1, ordering: .relaxed).newValue)"
        try ask("CREATE DATABASE \(name) TEMPLATE \(template)")
        return name
    }

    /// Makes an empty database and returns its connection string. It stays until the server goes; tests that make many
    /// use ``withDatabase(template:_:)``.
    package func freshDatabase() throws -> String { connection(to: try makeDatabase()) }

    /// Ends the sessions of a database and removes it.
    package func dropDatabase(_ name: String) throws {
        try ask("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
    }

    /// Copies a schema by `pg_dump` and `psql`, as an administrator would.
    package func dump(_ schema: String, of database: String, into copy: String) throws {
        let place = "-h \(quoted(socketFolder)) -p \(port) -U \(Self.user)"
        let file = quoted(shell.folder + "/dump")
        try shell.run(
            "pg_dump \(place) --schema=\(schema) \(database) >\(file) && "
                + "psql \(place) -Xq -v ON_ERROR_STOP=1 -f \(file) \(copy)")
    }

    /// A schema as a script of `pg_dump` that needs no owner, no role and no newer `psql` than this server's own.
    package func script(of schema: String, in database: String) throws -> String {
        let command = [
            "\(Installation.programs)/pg_dump", "-d", connection(to: database), "--schema=\(schema)", "--no-owner",
            "--no-privileges", "--no-comments", "--encoding=UTF8",
        ]
        let said = try run(command, environment: clientEnvironment, within: .seconds(60))
        var isData = false
        let kept = said.split(separator: "\n").filter { line in
            if isData {
                isData = line != "\\."
                return true
            }
            isData = line.hasPrefix("COPY ") && line.hasSuffix(" FROM stdin;")
            // Remarks name the release that wrote them; a key that guards the script is nothing to an older psql.
            return !["--", "\\restrict ", "\\unrestrict "].contains { line.hasPrefix($0) }
        }
        return kept.joined(separator: "\n") + "\n"
    }

    /// Runs a script of `psql`, all of it or nothing.
    package func load(_ file: String, into database: String) throws {
        let command = [
            "\(Installation.programs)/psql", "-Xq1", "-v", "ON_ERROR_STOP=1", "-d", connection(to: database), "-f",
            file,
        ]
        _ = try run(command, environment: clientEnvironment, within: .seconds(60))
    }

    /// Runs a test on a database of its own; the closure is given its connection string.
    package func withDatabase<Result>(
        template: String = "template0", _ body: (String) async throws -> Result
    ) async throws -> Result {
        let name = try makeDatabase(template: template)
        defer { try? dropDatabase(name) }
        return try await body(connection(to: name))
    }

    /// What `psql`, a process of its own, answers to a statement: rows in lines, columns parted by `|`.
    @discardableResult
    package func ask(_ statement: String, in database: String = "postgres") throws -> String {
        try psql(connection(to: database), statement)
    }
}

/// What `psql` answers to a statement over this connection string: rows in lines, columns parted by `|`.
@discardableResult
package func psql(
    _ connection: String, _ statement: String, environment: [String: String] = [:],
    within limit: Duration = .seconds(30)
) throws -> String {
    let command = [
        "\(Installation.programs)/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", connection, "-c", statement,
    ]
    let said = try run(command, environment: clientEnvironment.merging(environment) { $1 }, within: limit)
    return said.last == "\n" ? String(said.dropLast()) : said
}

/// All that a client needs of an environment, and nothing that this process was given for its own connections.
private let clientEnvironment = ["PATH": Installation.searchPath, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"]
