// The export, a line each (NDJSON), in this order:
// 1. `{"metastoreExport":1,"cluster":…,"epoch":…,"revision":…,"schema":…}`
// 2. `{"kind":"experiments","record":{"key":…,…}}`, kind by kind, in the order of keys, documents first, so that what a
//    record names was there before it
// 3. `{"end":true,"records":…,"doubtful":…,"unreadable":…}`: without it the export was cut off.

internal import FoundationEssentials
internal import Metastore
internal import MetastoreInspection
package import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// What is named stands before what names it.
    private static let order: [RecordKind] = [
        .document, .experiment, .snapshot, .trial, .workload, .checkpoint, .pool, .agent, .task, .allocation,
        .container, .slot, .port, .instance, .spotRequest, .lease, .keyValue, .consumer, .leadership,
    ]

    /// `export`: records of all kinds, or of one.
    package func export(_ kinds: [RecordKind]) throws {
        if options.format == .csv {
            guard kinds.count == 1 else {
                throw CommandFailure(
                    .usage, "-o csv is for one kind, since kinds have different columns: --kind trials.")
            }
            return try list(RecordQuery(kinds[0]), limit: nil)
        }
        guard options.format == .ndjson else {
            throw CommandFailure(.usage, "an export is -o ndjson, or of one kind -o csv.")
        }
        let summary = try inspection.store.summary()
        write(
            JSONText.object([
                ("metastoreExport", "1"), ("cluster", JSON.quoted(summary.cluster.uuidString.lowercased())),
                ("epoch", String(summary.epoch)), ("revision", String(summary.revision.rawValue)),
                ("schema", String(summary.schema)), ("verdict", JSON.quoted(inspection.verdict.word)),
            ]) + "\n")
        var all = Inspection.Listed()
        for kind in Self.order where kinds.isEmpty || kinds.contains(kind) {
            let listed = try inspection.list(RecordQuery(kind)) { record in
                write(JSONText.object([("kind", JSON.quoted(kind.name)), ("record", record.json())]) + "\n")
                all.shown += 1
                if all.shown.isMultiple(of: 10_000) { screen.show("export", all.shown, nil, "records") }
                return true
            }
            all.doubtful += listed.doubtful
            all.unreadable += listed.unreadable
            all.unreadableCount += listed.unreadableCount
        }
        write(
            JSONText.object([
                ("end", "true"), ("records", String(all.shown)), ("doubtful", String(all.doubtful)),
                ("unreadable", String(all.unreadableCount)),
            ]) + "\n")
        screen.clear()
        tellCompleteness(all)
    }
}
