internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// Where a follower's store is, or will be.
struct FollowedPlace: Sendable {
    private let place: EngineSource
    private let options: StoreOptions

    init(_ place: EngineSource, _ options: FollowerOptions) {
        self.place = place
        self.options = options.store
    }

    /// Whether there is nothing, and a store would last there.
    var isEmpty: Bool {
        get async throws {
            let (place, options) = (place, options)
            return try await BlockingThread.run(named: "metastore-look") {
                try StoreSuccession.isEmpty(place, options)
            }
        }
    }

    /// Puts a snapshot of a source in the place of a store, which is closed for the last step alone.
    ///
    /// - Returns: where what was there is kept.
    /// - Throws: ``LogSourceError``; ``StoreError``; `CancellationError`.
    func replace(_ store: Metastore, by source: any LogSource, of cluster: UUID) async throws -> String? {
        let (place, options) = (place, options)
        let room = try await BlockingThread.run(named: "metastore-replace") {
            try StoreSuccession(beside: place, options)
        }
        do {
            _ = try await source.fill(room.source, of: cluster, options) { _ in }
            try Task.checkCancellation()
            await store.close()
            let time = options.time.now()
            return try await BlockingThread.run(named: "metastore-replace") { try room.takePlace(at: time) }
        } catch {
            try? await BlockingThread.run(named: "metastore-replace") { room.discard() }
            throw error
        }
    }
}
