package import Metastore
package import MetastoreCommandLine
package import MetastoreEngine

/// A store that a command is about: looked at, or opened beside whoever writes to it.
package struct ReplicatedStore: Sendable {
    package let url: StoreURL
    package let source: EngineSource

    package init(_ url: StoreURL, _ password: Password) throws(CommandFailure) {
        self.url = url
        source = try url.source(password)
    }

    /// What its head row says; nil where there is nothing. Writes nothing, and takes no lock.
    package func summary() async throws -> ClosedStore.Summary? {
        try await looking { store, _ in try store.summary() }
    }

    /// Lends it without opening it; nil where there is nothing.
    private func looking<Found: Sendable>(
        _ body: @escaping @Sendable (ClosedStore, _ place: String) throws -> Found
    ) async throws -> Found? {
        let source = source
        return try await BlockingThread.run(named: "metastore-look") {
            var options = EngineOptions()
            options.isReadOnly = true
            let engine = try source.makeEngine(options)
            defer { engine.close() }
            guard try engine.prepare() != .nothing else { return nil }
            let connection = try engine.openReader()
            defer { connection.close() }
            let store = ClosedStore(connection)
            try store.refuseAllButStores(at: engine.place)
            return try body(store, engine.place)
        }
    }

    /// What a store is, before it is opened for writing.
    package struct Standing: Sendable {
        package let summary: ClosedStore.Summary
        package let isFollower: Bool
        /// The file isn't the one that the store was last written in.
        package let isCopy: Bool
    }

    /// Looks at a store. Writes nothing, and takes no lock.
    package func standing() async throws -> Standing {
        let found: Standing? = try await looking { store, place in
            var isCopy = false
            do throws(StoreError) {
                try store.refuseCopy(at: place)
            } catch {
                guard case .copied = error else { throw error }
                isCopy = true
            }
            let isFollower = try store.identity()?.role == .follower
            return Standing(summary: try store.summary(), isFollower: isFollower, isCopy: isCopy)
        }
        guard let found else { throw missing }
        return found
    }

    /// As ``summary()``, where there must be a store.
    package func existing() async throws -> ClosedStore.Summary {
        guard let summary = try await summary() else { throw missing }
        return summary
    }

    private var missing: CommandFailure {
        CommandFailure(
            .missing,
            "\(url): there is no store. Check the path or the URL, and that its volume is mounted. Nothing was made.")
    }

    /// Opens it to be read, beside whoever has it open.
    package func open() async throws -> Metastore {
        _ = try await existing()
        var options = StoreOptions()
        options.engine.isReadOnly = true
        return try await Metastore.open(source, options)
    }

    /// Lends it, opened to be read.
    package func reading<Result>(_ body: (Metastore) async throws -> Result) async throws -> Result {
        let store = try await open()
        do {
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }
}
