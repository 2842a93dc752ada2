// Invariants
// 1. Nothing beside the lost store is opened but for reading: no lock, no file made, no time moved (FrozenBytes).
// 2. The new store is there as a whole, flushed, or not at all; nothing is written over.

internal import FoundationEssentials
package import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite

/// Makes a new store of what can be proven of a damaged one: page by page, whatever became of its header, its schema or
/// its log.
///
/// A row goes into the new store if its own hash proves it, or as the image of a log record that the chain proves;
/// where the log reaches, lost rows are made from it, and older ones are replaced. Every other row stands in
/// `TARGET.salvage.ndjson`, with what is wrong with it. The new store begins an epoch of its own: whoever followed the
/// lost one is told so.
package struct Salvage: Sendable {
    private let path: String
    private let options: StoreOptions

    package init(path: String, options: StoreOptions = Salvage.options) {
        self.path = path
        self.options = options
    }

    /// Who writes, as the log of the new store names it.
    package static var options: StoreOptions {
        var options = StoreOptions()
        options.actor = "salvage"
        return options
    }

    /// - Parameters:
    ///   - target: where the new store is to be.
    ///   - progress: is told of the pages that were looked at, and of how many there are; what it throws ends the work.
    /// - Throws: ``StoreError/targetNotEmpty(place:holds:)``; ``StoreError/locked(holder:)``; `missing` when there is
    ///   nothing at the path; ``StoreError/diskFull``. Then nothing is left at the target.
    package func run(
        into target: String, progress: @escaping (_ pages: Int, _ of: Int) throws -> Void = { _, _ in }
    ) throws -> SalvageReport {
        let images = try PageImages(path)
        let note = try FrozenBytes(path + ".head")?.read(SQLiteLimits.noteBytes, at: 0)
        let aside = try AsideFile(beside: target)
        let engine = SQLiteEngine(path: target, options: options.engine)
        defer { engine.close() }
        guard try engine.prepare() == .nothing else {
            throw StoreError.targetNotEmpty(place: target, holds: "a database")
        }
        do {
            var made: (SalvagedStore, SalvageScan, [String: Int])?
            try engine.create { connection in
                let store = try SalvageTarget(connection, options) { row in try aside.add(row) }
                let scan = SalvageScan(images, into: store, aside: aside, progress: progress)
                try scan.takeTrees()
                let missing = try store.missingKinds(note: note)
                if !missing.isEmpty || scan.hasFlaws || !images.later.isEmpty { try scan.takeStrays(missing) }
                let result = try store.finish(note: note)
                for key in result.unconfirmedKeys {
                    try aside.add(SalvagedAside(table: "", key: key, values: [], why: Self.unconfirmed))
                }
                try aside.finish()
                made = (result, scan, store.asideCounts)
            }
            guard let (result, scan, asideCounts) = made else {
                throw StoreError.misuse(reason: "the new store was not made")
            }
            try engine.keepNote(result.note)
            try progress(scan.walk.total, scan.walk.total)
            return report(images, target, aside, result, scan, asideCounts)
        } catch {
            aside.remove()
            throw error
        }
    }

    private static let unconfirmed =
        "it is in the new store, and the log can't confirm it: it may be of an earlier time, or of another store"

    private func report(
        _ images: PageImages, _ target: String, _ aside: AsideFile, _ store: SalvagedStore, _ scan: SalvageScan,
        _ asideCounts: [String: Int]
    ) -> SalvageReport {
        let rows = RecordKind.allCases.compactMap { kind -> SalvageReport.Rows? in
            guard let rows = store.rows[kind] else { return nil }
            let name = kind.table.name
            return SalvageReport.Rows(
                kind: kind.name, expected: rows.isWhole ? rows.recovered : scan.expected[name], isWhole: rows.isWhole,
                recovered: rows.recovered, rebuilt: rows.rebuilt, unconfirmed: rows.unconfirmed,
                doubtful: scan.doubtful[name] ?? 0, aside: asideCounts[name] ?? 0)
        }
        let assigned = (0..<images.pageCount).count { scan.walk.isAssigned($0 + 1) }
        return SalvageReport(
            source: path, target: target, asideFile: aside.isFinished ? aside.path : nil,
            cluster: store.cluster.uuidString.lowercased(), isClusterKnown: store.clusterIsKnown,
            revision: store.revision, compactedRevision: store.compactedRevision, notedRevision: store.notedRevision,
            hasSchema: scan.hasSchema, rows: rows,
            log: SalvageReport.Log(found: store.log.found, proven: store.log.proven, stretches: store.log.stretches),
            pages: SalvageReport.Pages(
                bytes: images.pageBytes, total: images.pageCount, unreadable: scan.walk.unreadable,
                unassigned: images.pageCount - assigned, free: scan.free?.count ?? 0, behindFlaw: images.later.count),
            corrected: store.corrected, findings: store.verification.findings.map(\.description))
    }
}
