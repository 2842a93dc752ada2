internal import MetastoreModel
package import MetastoreReplication
internal import Synchronization

/// An archive's target that tells what is read: how far a long reading is, and what takes how much room. It reads
/// nothing more once its task is cancelled.
package final class WatchedTarget: ArchiveTarget {
    /// What was read so far, each object as often as it was.
    package struct Reading: Sendable, Hashable {
        package var objects = 0
        package var bytes = 0
        /// Of them, segments.
        package var segments = 0
        package var segmentBytes = 0
        /// Of the segments, those that were several.
        package var merged = 0
    }

    private let target: any ArchiveTarget
    private let watch: @Sendable (Reading) -> Void
    private let reading = Mutex(Reading())

    package init(_ target: any ArchiveTarget, _ watch: @escaping @Sendable (Reading) -> Void) {
        self.target = target
        self.watch = watch
    }

    package var place: String { target.place }
    package var read: Reading { reading.withLock { $0 } }

    package func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation {
        try await target.create(name, bytes)
    }

    package func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]? {
        // Between two objects a long reading may be ended.
        guard !Task.isCancelled else { throw .unavailable(place: place, reason: "this command was told to end") }
        guard let bytes = try await target.read(name, limit: limit) else { return nil }
        let now = reading.withLock { reading in
            reading.objects += 1
            reading.bytes += bytes.count
            if bytes.starts(with: SegmentHeader.magic) {
                reading.segments += 1
                reading.segmentBytes += bytes.count
                if name.words.dropFirst().first == "merged" { reading.merged += 1 }
            }
            return reading
        }
        watch(now)
        return bytes
    }

    package func remove(_ name: ArchiveName) async throws(ArchiveError) { try await target.remove(name) }

    package func list(
        under name: ArchiveName, after: ArchiveName?, limit: Int
    ) async throws(ArchiveError) -> [ArchiveName] {
        try await target.list(under: name, after: after, limit: limit)
    }
}
