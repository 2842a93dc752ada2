internal import Metastore
internal import MetastoreModel

/// The snapshots that a restore may begin with, the newest first, and why others were passed over.
struct SnapshotCandidates {
    private let history: ArchiveHistory
    private let line: ArchiveLine
    private var ids: [SnapshotID]
    private(set) var passedOver: [SnapshotID: String] = [:]

    init(_ history: ArchiveHistory, _ line: ArchiveLine, ids: [SnapshotID]) {
        self.history = history
        self.line = line
        self.ids = ids.filter { history.contains($0.epoch, $0.revision) }
        for id in ids where !self.ids.contains(id) {
            passedOver[id] = "it is not of the archive's history, or that has not got so far"
        }
    }

    mutating func passOver(_ id: SnapshotID, _ reason: String) {
        ids.removeAll { $0 == id }
        passedOver[id] = reason
    }

    /// The newest one at or before a revision; nil for the beginning of the history.
    ///
    /// - Throws: ``ArchiveError``; `expired` where there is none, and the beginning is not kept.
    mutating func next(
        upTo revision: Revision, passingOverDamaged: Bool
    ) async throws(ArchiveError) -> SnapshotManifest? {
        while let id = ids.first(where: { $0.revision <= revision }) {
            do throws(ArchiveError) {
                if let manifest = try await manifest(id) { return manifest }
                passOver(id, "it is not of the archive's history")
            } catch {
                guard passingOverDamaged, case .damaged = error else { throw error }
                passOver(id, "\(error)")
            }
        }
        guard history.kept == nil, history.beginning.fork == .absent else {
            throw .missing(
                what: "a snapshot at or before revision \(revision)",
                reason: "and the history that is kept begins after revision \(history.start.revision)")
        }
        return nil
    }

    /// All of the history, the newest first.
    ///
    /// - Throws: ``ArchiveError``; `damaged` for a manifest.
    mutating func all() async throws(ArchiveError) -> [SnapshotManifest] {
        var found: [SnapshotManifest] = []
        for id in ids {
            if let manifest = try await manifest(id) {
                found.append(manifest)
            } else {
                passOver(id, "it is not of the archive's history")
            }
        }
        return found
    }

    /// The newest one that was committed at or before a time.
    mutating func newest(before time: Timestamp) async throws(ArchiveError) -> SnapshotManifest? {
        for id in ids {
            // A damaged one only costs the shorter way: the revision is looked for in the log.
            do throws(ArchiveError) {
                if let manifest = try await manifest(id), manifest.head.time <= time { return manifest }
            } catch {
                guard case .damaged = error else { throw error }
            }
        }
        return nil
    }

    /// The manifest, if the line leads to it.
    private func manifest(_ id: SnapshotID) async throws(ArchiveError) -> SnapshotManifest? {
        guard let manifest = try await line.manifest(id) else { return nil }
        let isOfHistory = history.stretches.contains { $0.record.epoch == manifest.head.epoch }
        guard isOfHistory, try await history.link(at: id.revision) == manifest.head.chain else { return nil }
        return manifest
    }
}
