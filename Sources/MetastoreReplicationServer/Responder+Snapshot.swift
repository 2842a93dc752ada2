// Invariants
// 1. So many snapshots are sent at once, and no more: each holds a moment of the store.
// 2. A client that doesn't take it in time ends it, and is told in a frame of its own: the store's log goes on.

internal import HTTPTypes
internal import HummingbirdCore
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import NIOCore
internal import Synchronization

/// A snapshot of the store as it is now, for whoever begins to follow.
extension Responder {
    static let snapshotType = "application/vnd.metastore.snapshot"

    /// Whether rows are asked for, and not segments.
    func wantsRows(_ request: Request) -> Bool {
        request.headers[.accept]?.contains(Self.snapshotType) == true
    }

    @concurrent func sendSnapshot(_ writer: consuming ResponseWriter) async throws {
        guard takeSnapshotTurn() else { return try await self.send(.busy(options.bounds.snapshots), writer) }
        defer { counts.withLock { $0.snapshots -= 1 } }
        let snapshot = SentSnapshot(of: store, within: options.bounds.snapshotTime)
        defer { snapshot.end() }
        let first = await next(of: snapshot)
        guard case .success(let beginning) = first else {
            guard case .failure(let error) = first else { return }
            return try await self.send(Self.refusal(error), writer)
        }
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentType] = Self.snapshotType
        head.headerFields[.cacheControl] = "no-store"
        var body = try await writer.writeHead(head)
        var bytes = 0
        func send(_ frame: [UInt8]) async throws {
            var buffer = ByteBuffer()
            buffer.writeFrame(frame)
            try await body.write(buffer)
            bytes += buffer.readableBytes
        }
        var frame = beginning
        while let found = frame {
            try await send(found)
            switch await next(of: snapshot) {
            case .success(let next): frame = next
            case .failure(let error as StoreError):
                try await send(SnapshotFrames.refusal(error))
                frame = nil
            case .failure(let error): throw error
            }
        }
        try await body.finish(nil)
        count(.ok, bytes)
    }

    private func next(of snapshot: SentSnapshot) async -> Result<[UInt8]?, any Error> {
        do {
            return .success(try await work.run { try await snapshot.next() })
        } catch {
            return .failure(error)
        }
    }

    private func takeSnapshotTurn() -> Bool {
        counts.withLock { counts in
            guard counts.snapshots < options.bounds.snapshots else { return false }
            counts.snapshots += 1
            return true
        }
    }
}

extension Reply {
    fileprivate static func busy(_ most: Int) -> Reply {
        var reply = Reply.refusal(
            .serviceUnavailable, "busy",
            "\(most) snapshots are being sent, and no more are at once. Try again in a few seconds")
        reply.headers[.retryAfter] = "5"
        return reply
    }
}
