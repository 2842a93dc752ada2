// Invariants
// 1. The place is empty, and gets all of the snapshot in one step or nothing (see RestoredStore): every row's hash and
//    every digest is computed anew before that.
// 2. What comes waits until it is taken: memory holds a few parts, whatever the source has.
// 3. A failure on either side ends both, and nothing is made.

package import FoundationEssentials
package import Metastore
package import MetastoreEngine
package import MetastoreModel

/// Makes a replica of a snapshot that comes in frames.
package struct ReplicaFilling: Sendable {
    private let cluster: UUID
    private let options: StoreOptions

    /// - Parameter cluster: whose snapshot it has to be.
    package init(of cluster: UUID, _ options: StoreOptions) {
        self.cluster = cluster
        self.options = options
    }

    /// Fills a place. Cancelling the task ends it, and leaves nothing.
    ///
    /// - Parameters:
    ///   - progress: called after every part, on any thread.
    ///   - read: brings the bytes; what it throws ends the work.
    /// - Returns: where the replica stands.
    /// - Throws: ``LogSourceError``: `damaged` naming the part, `otherCluster`, `newer`, `unavailable` for a snapshot
    ///   that was cut off; ``StoreError``: `targetNotEmpty`, and what the place fails with; what `read` throws.
    package func run(
        to target: EngineSource, _ progress: @escaping @Sendable (RestoreProgress) -> Void,
        _ read: @escaping @Sendable (_ intake: SnapshotIntake) async throws -> Void
    ) async throws -> Position {
        try await Handover<SnapshotFrames.Piece>.run(named: "metastore-fill") { pieces in
            let intake = SnapshotIntake(pieces)
            try await read(intake)
            try await intake.finish()
        } _: { pieces in
            try make(in: target, from: pieces, progress).position
        }
    }

    private func make(
        in target: EngineSource, from pieces: Handover<SnapshotFrames.Piece>, _ progress: (RestoreProgress) -> Void
    ) throws -> RestoredStore.Made {
        try RestoredStore.make(in: target, options, as: .replica) { store in
            var tables: [SnapshotTable] = []
            var rows: Int64 = 0
            var isEnded = false
            while let piece = try pieces.take() {
                switch piece {
                case .beginning(let manifest):
                    guard manifest.head.cluster == cluster else { throw LogSourceError.otherCluster }
                    tables = SnapshotTable.all(of: manifest.head.schema)
                    try telling("the beginning of the snapshot") {
                        try manifest.checkTables()
                        try store.begin(manifest.head, logAfter: (manifest.anchor.revision, manifest.anchor.chain))
                    }
                case .rows(let found, let part):
                    let origin = "part \(part) of the snapshot"
                    for (table, some) in found {
                        try telling(origin) { try store.insert(some, of: tables[table], from: origin) }
                        rows += Int64(some.count)
                    }
                    progress(.rows(rows, parts: part + 1, of: nil))
                case .manifest:
                    let origin = "the manifest of the snapshot"
                    try telling(origin) { try store.endRows(from: origin) }
                case .log(let records):
                    try telling("the log of the snapshot") { try store.insertLog(records) }
                case .end: isEnded = true
                }
            }
            guard isEnded else { throw LogSourceError.unavailable(reason: "its snapshot was cut off") }
        }
    }

    /// What shows when it is put together is told as what was given, with where that was.
    private func telling<Result>(_ origin: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch StoreError.damaged(let place, let reason) {
            let found = place.hasPrefix(origin) ? place : "\(origin): \(place)"
            throw LogSourceError.damaged(reason: "\(found): \(reason)")
        } catch StoreError.schema(let reason) {
            throw LogSourceError.newer(reason: reason)
        }
    }
}

/// Takes the bytes of a snapshot as they come, in order.
package actor SnapshotIntake {
    private let pieces: Handover<SnapshotFrames.Piece>
    private var cutter = FrameCutter()
    private var frames = SnapshotFrames()

    fileprivate init(_ pieces: Handover<SnapshotFrames.Piece>) { self.pieces = pieces }

    /// Some more. Returns once they are taken.
    package func add(_ bytes: some Sequence<UInt8> & Sendable) async throws {
        cutter.add(bytes)
        while let frame = try cutter.next() { try await pieces.give(try frames.next(frame)) }
    }

    /// Nothing more comes.
    fileprivate func finish() throws(LogSourceError) {
        try frames.finish()
        guard cutter.isEmpty else { throw .damaged(reason: "the snapshot: something follows its end") }
    }
}
