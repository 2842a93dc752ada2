#if PostgreSQL
    internal import Metastore
    package import MetastoreEngine
    internal import MetastoreMigration
    internal import MetastorePostgreSQL
    internal import MetastoreSQLite

    /// A store in a schema of a server.
    package struct PostgreSQLPlace: UpgradePlace {
        package let url: StoreURL
        private let connection: String
        private let schema: String
        private let password: Password

        package init(_ url: StoreURL, connection: String, schema: String, password: Password) {
            self.url = url
            self.connection = connection
            self.schema = schema
            self.password = password
        }

        package var name: String { schema }
        package var backupDirectory: String? { nil }

        package func look() throws -> PlaceSight {
            let sizes = try postgresql(isReadOnly: true).sizes()
            return PlaceSight(isThere: sizes.isThere, bytes: sizes.bytes)
        }

        package func engine(isReadOnly: Bool) throws -> any Engine { try postgresql(isReadOnly: isReadOnly) }

        private func postgresql(isReadOnly: Bool = false) throws -> PostgreSQLEngine {
            var options = EngineOptions()
            options.isReadOnly = isReadOnly
            // Nobody waits for a commit here, and a large table is read as a whole.
            options.callTimeout = .seconds(30)
            return try PostgreSQLEngine(
                connection, schema: schema, tls: .verified, password: password.closure, options: options)
        }

        /// A server looks after its files itself, and keeps foreign keys at every statement.
        package func integrity(_ connection: any Connection) throws -> [String] { [] }

        package func lockHolder(_ sight: PlaceSight) throws -> LockHolder? {
            guard sight.isThere else { return nil }
            return try reading { try MigrationHolder($0) }.map(LockHolder.init)
        }

        package func breakLock() throws -> LockHolder? {
            let engine = try postgresql()
            defer { engine.close() }
            guard try engine.prepare() != .nothing else { throw MigrationError.noStore }
            let connection = try engine.openWriter()
            defer { connection.close() }
            return try MigrationLock.break(connection).map(LockHolder.init)
        }

        private func reading<Result>(_ body: (any Connection) throws -> Result) throws -> Result {
            let engine = try postgresql(isReadOnly: true)
            defer { engine.close() }
            _ = try engine.prepare()
            let connection = try engine.openReader()
            defer { connection.close() }
            return try body(connection)
        }

        package func copy(to file: String, held: HeldStore?, _ progress: @escaping CopyWatch) async throws {
            _ = try await StoreCopy(from: try url.source(password), to: .sqlite(file)).run(watched(progress))
            let engine = SQLiteEngine(path: file, options: EngineOptions())
            defer { engine.close() }
            _ = try engine.prepare()
            try engine.seal()
        }

        package func scratch(_ suffix: String, in directory: String?) throws -> any UpgradePlace {
            let name = "\(schema)_\(suffix)"
            guard name.utf8.count < 64 else {
                throw CommandFailure(
                    .cannotCreate,
                    "the schema's name is too long to have a copy beside it: \(name) has more than 63 bytes.")
            }
            return try beside(name)
        }

        private func beside(_ schema: String) throws -> PostgreSQLPlace {
            PostgreSQLPlace(try url.in(schema: schema), connection: connection, schema: schema, password: password)
        }

        package func fill(from source: any UpgradePlace, _ progress: @escaping CopyWatch) async throws {
            guard try postgresql().sizes().mayMakeSchemas else {
                throw CommandFailure(
                    .permission,
                    """
                    the role may not make a schema in this database, and a copy needs one. Nothing was changed. Let an \
                    administrator run GRANT CREATE ON DATABASE … TO …, or rehearse on a copy of your own: \
                    metastore-migrate copy --from … --to sqlite:FILE, then metastore-migrate rehearse FILE.
                    """)
            }
            let from = try source.url.source(password)
            _ = try await StoreCopy(from: from, to: try url.source(password)).run(watched(progress))
        }

        package func remove() throws { try postgresql().dropSchema() }

        package func restore(
            _ backup: String, suffix: String, _ progress: @escaping CopyWatch
        ) async throws -> RestoreOutcome {
            let copy = try beside(schema + "_restoring")
            do {
                try await copy.fill(from: backup, progress)
            } catch StoreError.targetNotEmpty {
                // A copy that was finished, and then the run was killed: of this backup or of another one.
                try copy.remove()
                try await copy.fill(from: backup, progress)
            }
            let aside = "\(schema)_\(suffix)"
            let wasThere = try copy.postgresql().replace(schema: schema, keepingAs: aside) { connection in
                _ = try ClosedStore(connection).beginEpoch(.ofTools)
            }
            return RestoreOutcome(aside: wasThere ? "schema \(aside)" : nil)
        }

        private func fill(from backup: String, _ progress: @escaping CopyWatch) async throws {
            _ = try await StoreCopy(from: .sqlite(backup), to: try url.source(password)).run(watched(progress))
        }

        /// Both names change in one transaction: there is nothing to finish.
        package func finishRestore() throws -> RestoreOutcome? { nil }
    }

    extension LockHolder {
        fileprivate init(_ holder: MigrationHolder) {
            self.init(holder: holder.description, isAlive: holder.isConnected)
        }
    }
#endif

internal import Metastore

/// What a copy tells, as a screen shows it.
func watched(_ progress: @escaping CopyWatch) -> @Sendable (CopyEvent) -> Void {
    { event in
        switch event {
        case .began: return
        case .copied(let now): progress("copying \(now.table)", Int(now.rows), now.of.map(Int.init), "rows")
        case .verified(let now): progress("checking \(now.table)", Int(now.rows), now.of.map(Int.init), "rows")
        }
    }
}
