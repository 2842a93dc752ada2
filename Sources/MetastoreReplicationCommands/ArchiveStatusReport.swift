package import MetastoreTerminal
package import MetastoreCommandLine

/// What `status` answers.
package struct ArchiveStatusReport: CommandReport {
    /// A reign, and which of its revisions are part of the history.
    package struct Epoch: Encodable, Sendable {
        package let number: Int64
        package let holder: String
        package let time: String
        /// It goes on after this revision …
        package let after: Int64
        /// … and counts up to this one.
        package let through: Int64
    }

    package struct Snapshot: Encodable, Sendable {
        package let revision: Int64
        package let epoch: Int64
        /// `usable`, `otherHistory` (or one that isn't archived yet), `damaged`.
        package var state: String
        package let form: String
        package let time: String?
        package let rows: Int64?
        package let bytes: Int?
    }

    package struct Label: Encodable, Sendable {
        package let name: String
        package let revision: Int64
        package let time: String
        package let text: String
        /// Nothing can be restored to it any more.
        package let isLost: Bool
    }

    /// The store that it was compared with.
    package struct Store: Encodable, Sendable {
        package let store: String
        package let revision: Int64
        package let relation: ArchiveRelation
        /// By how many the archive is behind the store, or a lagging replica behind the archive.
        package let lagRevisions: Int64?
        package let lagBytes: Int?
        package let lagSeconds: Double?
    }

    package let archive: String
    package let cluster: String
    /// The history that is kept begins after this revision …
    package let after: Int64
    /// … and ends here.
    package let revision: Int64
    package let time: String?
    package let chain: String
    package let epochs: [Epoch]
    package let segments: Int
    package let segmentBytes: Int
    /// Of the segments, those that several were merged into; nil where there are none.
    package let mergedSegments: Int?
    package var snapshots: [Snapshot]
    package let labels: [Label]
    /// Objects that lie beyond the end of the line: what led to them is missing.
    package let unreachable: [String]
    package let store: Store?
    package let notes: [String]

    package var exitStatus: ExitStatus {
        guard unreachable.isEmpty else { return .no }
        switch store?.relation {
        case nil, .current, .behind, .lagging: return .success
        case .ahead, .fenced, .forked, .gap: return .no
        }
    }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        add(to: &fields)
        return fields.lines(style)
    }

    func add(to fields: inout FieldLines) {
        fields.add("archive", archive)
        fields.add("cluster", cluster)
        fields.add("newest", "revision \(revision)" + (time.map { ", committed \($0.toTheSecond)" } ?? ""))
        fields.add("kept", after == 0 ? "everything" : "what comes after revision \(after)")
        for epoch in epochs {
            let range = epoch.through > epoch.after ? "\(epoch.after + 1) to \(epoch.through)" : "none yet"
            fields.add("epoch \(epoch.number)", "revisions \(range), by \(epoch.holder), \(epoch.time.toTheSecond)")
        }
        let merged = mergedSegments.map { ", \(Shown.grouped($0)) of them merged" } ?? ""
        fields.add("segments", "\(Shown.grouped(segments)), \(Shown.bytes(segmentBytes))" + merged)
        add(snapshots: &fields)
        for label in labels {
            fields.add(
                "label",
                "\(label.name): revision \(label.revision)" + (label.text.isEmpty ? "" : ", \(label.text)")
                    + (label.isLost ? "; nothing can be restored to it any more" : ""), label.isLost ? .yellow : .plain)
        }
        add(store: &fields)
        if !unreachable.isEmpty {
            fields.add(
                "missing",
                "something before \(unreachable[0])"
                    + (unreachable.count > 1 ? " and \(unreachable.count - 1) more" : "") + " is missing", .red)
        }
        for note in notes { fields.add("note", note, .yellow) }
    }

    private func add(snapshots fields: inout FieldLines) {
        guard !snapshots.isEmpty else { return fields.add("snapshots", "none") }
        for snapshot in snapshots {
            var parts = ["revision \(snapshot.revision) of epoch \(snapshot.epoch)"]
            if let rows = snapshot.rows { parts.append(Shown.count(Int(rows), "row")) }
            if let bytes = snapshot.bytes { parts.append(Shown.bytes(bytes)) }
            if let time = snapshot.time { parts.append("committed \(time.toTheSecond)") }
            switch snapshot.state {
            case "damaged": parts.append("damaged")
            case "otherHistory": parts.append("not of this history, or ahead of it")
            default: break
            }
            fields.add("snapshot", parts.joined(separator: ", "), snapshot.state == "usable" ? .plain : .yellow)
        }
    }

    private func add(store fields: inout FieldLines) {
        guard let store else { return }
        fields.add("store", "\(store.store), revision \(store.revision)")
        switch store.relation {
        case .current: fields.add("lag", "none: everything is archived", .green)
        case .behind:
            fields.add(
                "lag",
                "\(Shown.count(Int(store.lagRevisions ?? 0), "revision")), \(Shown.bytes(store.lagBytes ?? 0)) of the "
                    + "log, the oldest committed \(Shown.duration(.seconds(store.lagSeconds ?? 0))) ago", .yellow)
        case .lagging:
            fields.add(
                "lag", "the replica has \(Shown.count(Int(store.lagRevisions ?? 0), "revision")) still to follow",
                .yellow)
        default: fields.add("alarm", store.relation.rawValue, .red)
        }
    }
}
