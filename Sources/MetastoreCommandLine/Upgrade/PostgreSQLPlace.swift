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
        /// The right to a copy that is thrown away.
        private let scratch: ScratchSchema?

        package init(_ url: StoreURL, connection: String, schema: String, password: Password) {
            self.init(url, connection, schema, password, scratch: nil)
        }

        private init(
            _ url: StoreURL, _ connection: String, _ schema: String, _ password: Password, scratch: ScratchSchema?
        ) {
            self.url = url
            self.connection = connection
            self.schema = schema
            self.password = password
            self.scratch = scratch
        }

        package var name: String { schema }
        package var backupDirectory: String? { nil }

        package func look() throws -> PlaceSight {
            let sizes = try postgresql(isReadOnly: true).sizes()
            return PlaceSight(isThere: sizes.isThere, bytes: sizes.bytes)
        }

        package func engine(isReadOnly: Bool) throws -> any Engine { try postgresql(isReadOnly: isReadOnly) }

        private func postgresql(isReadOnly: Bool = false, schema: String? = nil) throws -> PostgreSQLEngine {
            var options = EngineOptions()
            options.isReadOnly = isReadOnly
            // Nobody waits for a commit here, and a large table is read as a whole.
            options.callTimeout = .seconds(30)
            return try PostgreSQLEngine(
                connection, schema: schema ?? self.schema, tls: .verified, password: password.closure, options: options)
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
            // Whatever a killed run had come to: unfinished, finished before the store moved on, half sealed.
            try SQLitePlace(try StoreURL("sqlite:" + file), path: file).remove()
            _ = try await StoreCopy(from: try url.source(password), to: .sqlite(file)).run(watched(progress))
            let engine = SQLiteEngine(path: file, options: EngineOptions())
            defer { engine.close() }
            _ = try engine.prepare()
            try engine.seal()
        }

        package func scratch(_ suffix: String, in directory: String?, isKept: Bool) throws -> any UpgradePlace {
            try beside(suffix, isScratch: !isKept)
        }

        private func beside(_ suffix: String, isScratch: Bool) throws -> PostgreSQLPlace {
            let name = "\(schema)_\(suffix)"
            guard name.utf8.count < 64 else {
                throw CommandFailure(
                    .cannotCreate,
                    "the schema's name is too long to have a copy beside it: \(name) has more than 63 bytes.")
            }
            return PostgreSQLPlace(
                try url.in(schema: name), connection, name, password,
                scratch: isScratch ? ScratchSchema(try postgresql(schema: name)) : nil)
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
            if try scratch?.take(waiting: UpgradeLimits.killedSession) == true { try scratch?.empty() }
            let from = try source.url.source(password)
            _ = try await StoreCopy(from: from, to: try url.source(password)).run(watched(progress))
        }

        package func remove() throws { try scratch?.remove() }

        package func restore(
            _ backup: String, _ how: Restoring, _ progress: @escaping CopyWatch
        ) async throws -> RestoreOutcome {
            let held = try takeLock(how)
            defer { held?.release() }
            let copy = try beside("restoring", isScratch: true)
            _ = try copy.scratch?.take(waiting: max(how.timeout, UpgradeLimits.killedSession))
            do {
                try how.confirm()
                try await copy.fill(fromBackup: backup, progress)
                let outcome = try copy.takePlace(of: self, how, held?.lock)
                copy.scratch?.release()
                return outcome
            } catch {
                try? copy.scratch?.remove()
                throw error
            }
        }

        /// A killed run may have left a part of the same copy, which goes on, or a copy of another backup.
        private func fill(fromBackup backup: String, _ progress: @escaping CopyWatch) async throws {
            let copy = StoreCopy(from: .sqlite(backup), to: try url.source(password))
            do {
                _ = try await copy.run(watched(progress))
            } catch StoreError.targetNotEmpty, StoreError.unfinishedCopy {
                try scratch?.empty()
                _ = try await copy.run(watched(progress))
            }
        }

        private func takePlace(
            of store: PostgreSQLPlace, _ how: Restoring, _ lock: MigrationLock?
        ) throws -> RestoreOutcome {
            let aside = "\(store.schema)_\(how.suffix)"
            let wasThere = try postgresql().replace(schema: store.schema, keepingAs: aside) { connection, replaced in
                if let lock, let replaced, try !lock.handOver(to: connection, from: replaced) {
                    throw CommandFailure(
                        .tryLater,
                        "\(store.url): another process took the migration lock over. Nothing was changed. Leave the "
                            + "work to that one; metastore-migrate lock show names it.")
                }
                _ = try ClosedStore(connection).beginEpoch(.ofTools)
            }
            return RestoreOutcome(aside: wasThere ? "schema \(aside)" : nil)
        }

        /// The right to migrate what is there; nil where that is so damaged, or so gone, that it has no lock.
        private func takeLock(_ how: Restoring) throws -> HeldLock? {
            let engine = try postgresql()
            guard try engine.prepare() != .nothing else {
                engine.close()
                return nil
            }
            do {
                let connection = try engine.openWriter()
                do {
                    let lock = try how.migrator.takeLock(connection, waiting: how.timeout, now: Upgrade.now)
                    return HeldLock(engine: engine, connection: connection, lock: lock)
                } catch {
                    connection.close()
                    throw error
                }
            } catch let error as EngineError where error.sqlState == "42P01" {
                engine.close()
                return nil
            } catch {
                engine.close()
                throw error
            }
        }

        private struct HeldLock {
            let engine: PostgreSQLEngine
            let connection: any Connection
            let lock: MigrationLock

            func release() {
                lock.release(connection)
                connection.close()
                engine.close()
            }
        }

        /// Both names change in one transaction: there is nothing to finish.
        package func finishRestore(waiting timeout: Duration) async throws -> RestoreOutcome? { nil }
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
