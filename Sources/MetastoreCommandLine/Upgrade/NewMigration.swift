internal import Glibc
package import MetastoreTerminal
internal import Migrations

/// The skeleton of a migration for both engines.
package struct NewMigration: CommandReport {
    package let number: Int64
    package let name: String
    /// The files that were made.
    package let files: [String]
    /// What is still to be done by hand.
    package let next: [String]

    package func lines(_ style: TerminalStyle) -> [String] {
        files.map { "made \($0)" } + next.map { "next: \($0)" }
    }

    /// Makes the files; overwrites nothing.
    ///
    /// - Parameter directory: the sources' `Migrations`.
    package init(named name: String, in directory: String) throws(CommandFailure) {
        let isName = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
        guard isName, let first = name.utf8.first, (97...122).contains(first), name.utf8.count <= 60 else {
            throw CommandFailure(
                .usage,
                "'\(name)' is no name of a migration. Use lower-case letters, digits and _, a letter first, "
                    + "for instance agent_labels.")
        }
        let number = (catalogue.last?.number ?? 0) + 1
        let digits = String(number)
        let stem = "m" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        var made: [String] = []
        for engine in ["sqlite", "postgresql"] {
            let path = "\(directory)/\(stem)_\(name).\(engine).sql"
            try Self.write(Self.skeleton(number, name, engine), to: path)
            made.append(path)
        }
        self.number = number
        self.name = name
        files = made
        let resources = made.compactMap { $0.split(separator: "/").last }.map { ".embedInCode(\"\($0)\")" }
        next = [
            "write the statements; each file runs in one transaction",
            "Package.swift, target Migrations: \(resources.joined(separator: ", "))",
            "\(directory)/Catalogue.swift: an entry with number: \(number), name: \"\(name)\", what it does, and who "
                + "can still read and write",
            "swift test --filter MigrationsTests: writes the expected catalogues \(stem).*.catalogue and says how",
        ]
    }

    private static func skeleton(_ number: Int64, _ name: String, _ engine: String) -> String {
        """
        -- Schema \(number): \(name). \(engine == "sqlite" ? "SQLite" : "PostgreSQL").
        --
        -- Runs in one transaction with its version row. Say below what the tables are for, not what the statements do.

        """
    }

    private static func write(_ text: String, to path: String) throws(CommandFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw CommandFailure(
                .cannotCreate,
                "\(path): \(reason). Nothing is overwritten; name another migration, or run this where "
                    + "Migrations lies, or give its directory with --directory.")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw CommandFailure(.inputOutput, "\(path): \(String(cString: strerror(errno))). It is incomplete.")
        }
    }
}
