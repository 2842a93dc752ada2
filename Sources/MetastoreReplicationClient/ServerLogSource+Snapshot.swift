// Invariants
// 1. Nothing of it is taken before all of it came and is proven (see ReplicaFilling).
// 2. A server that gives nothing for as long as an answer may take ends it; one that goes on giving may take its time.

internal import AsyncHTTPClient
package import MetastoreReplication
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

extension ServerLogSource {
    package func bringSnapshot(into intake: SnapshotIntake) async throws {
        let (source, grace, patience) = (self, address.grace, Patience())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await source.receive(into: intake, patience) }
            group.addTask { try await patience.end(after: grace) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private static let type = "application/vnd.metastore.snapshot"

    private func receive(into intake: SnapshotIntake, _ patience: Patience) async throws {
        var request = request("/v1/snapshot")
        request.headers.add(name: "Accept", value: Self.type)
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: TimeAmount(address.grace))
        } catch {
            throw Self.failure(error)
        }
        guard response.status == .ok else {
            let body = (try? await response.body.collect(upTo: 1 << 16)) ?? ByteBuffer()
            throw Self.refusal(response.status, body)
        }
        guard response.headers.first(name: "content-type") == Self.type else {
            throw LogSourceError.refused(reason: "its release gives no snapshots. Begin with its whole log")
        }
        var buffers = response.body.makeAsyncIterator()
        while true {
            patience.begin()
            let next: ByteBuffer?
            do {
                next = try await buffers.next()
            } catch {
                throw Self.failure(error)
            }
            patience.pause()
            guard let next else { return }
            try await intake.add(next.readableBytesView)
        }
    }

    /// Ends what waits for a server that gives nothing.
    private final class Patience: Sendable {
        private let since = Mutex<ContinuousClock.Instant?>(nil)

        func begin() { since.withLock { $0 = .now } }
        func pause() { since.withLock { $0 = nil } }

        func end(after grace: Duration) async throws {
            while true {
                try await Task.sleep(for: grace / 8)
                guard let since = since.withLock({ $0 }), ContinuousClock.now - since > grace else { continue }
                throw LogSourceError.unavailable(reason: "its snapshot stands still")
            }
        }
    }
}
