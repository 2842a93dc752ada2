internal import FoundationEssentials
internal import Metastore
internal import MetastoreInspection
package import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// `history KEY`.
    package func history(_ text: String) throws {
        let key = try key(text)
        guard let history = try inspection.history(of: key) else {
            throw CommandFailure(
                .no,
                "\(key): there is no such record, and no change of it in the log, which goes back to revision "
                    + "\(try inspection.store.oldestShown().rawValue + 1).")
        }
        var printer = try list(
            "changes", titles: ["revision", "time", "actor", "operation", "field", "before", "after"])
        for entry in history.entries {
            try printer.add(Self.item(entry, style))
        }
        printer.end()
        if !history.isComplete {
            tell([
                "the log goes back to revision \(try inspection.store.oldestShown().rawValue + 1); what came before "
                    + "isn't kept"
            ])
        }
    }

    /// `log`.
    package func log(
        after start: Revision?, kinds: RecordKinds, under prefix: KeyPrefix?, limit: Int?
    ) throws {
        let oldest = try inspection.store.oldestShown()
        let start = start ?? oldest
        var printer = try list("commits", titles: ["revision", "time", "epoch", "actor", "operation", "key"])
        var count = 0
        var hasMore = false
        try inspection.log(after: start, kinds: kinds, under: prefix) { record, changes in
            if count == limit ?? .max {
                hasMore = true
                return false
            }
            count += 1
            try printer.add(Self.item(record, changes, style))
            return true
        }
        printer.end()
        if hasMore, let limit {
            tell(["only the first \(Shown.grouped(limit)) are shown: --limit 0 shows all, --after REVISION goes on"])
        }
    }

    private static func item(_ entry: HistoryEntry, _ style: TerminalStyle) -> ListItem {
        let json = JSONText.object([
            ("revision", String(entry.revision.rawValue)), ("time", JSON.quoted(entry.time.description)),
            ("epoch", String(entry.epoch)), ("actor", JSON.quoted(entry.actor)), ("key", JSON.quoted(entry.key.path)),
            ("operation", JSON.quoted("\(entry.operation)")), ("fields", fields(entry.fields)),
        ])
        let title: [TerminalStyle.Span] = [
            .init("\(entry.revision)", .bold), .init("  \(entry.time.shown)  ", .dim),
            .init(entry.actor), .init("  \(entry.operation)", look(entry.operation)),
        ]
        let isUpdate = entry.operation == .updated
        let lines = entry.fields.map { field in
            style.line([
                .init("    \(field.name)  ", .dim),
                .init(isUpdate ? "\(field.before.brief()) → \(field.after.brief())" : isCreated(field, entry)),
            ])
        }
        return ListItem(
            json: json, name: "\(entry.revision)",
            cells: entry.fields.map { field in
                [
                    "\(entry.revision)", entry.time.description, entry.actor, "\(entry.operation)", field.name,
                    field.before.plain, field.after.plain,
                ]
            },
            lines: [style.line(title)] + lines)
    }

    private static func isCreated(_ field: ChangedField, _ entry: HistoryEntry) -> String {
        (entry.operation == .deleted ? field.before : field.after).brief()
    }

    static func look(_ operation: ChangeOperation) -> TerminalStyle.Look {
        switch operation {
        case .created: .green
        case .updated: .cyan
        case .deleted: .red
        }
    }

    static func fields(_ fields: [ChangedField]) -> String {
        JSONText.object(
            fields.map { ($0.name, JSONText.object([("before", $0.before.json), ("after", $0.after.json)])) })
    }

    private static func item(
        _ record: LogRecord, _ changes: [LoggedChange], _ style: TerminalStyle
    ) -> ListItem {
        let shown = changes.map { change in
            JSONText.object([
                ("operation", JSON.quoted("\(change.operation)")), ("key", JSON.quoted(change.key.path)),
                ("fields", fields(ChangedField.between(change))),
            ])
        }
        let json = JSONText.object([
            ("revision", String(record.revision.rawValue)), ("time", JSON.quoted(record.time.description)),
            ("epoch", String(record.epoch.number)), ("schema", String(record.schema)),
            ("actor", JSON.quoted(record.actor)),
            ("operation", JSONText.text(record.operation?.uuidString.lowercased())),
            ("changes", JSONText.array(shown)),
        ])
        let title: [TerminalStyle.Span] = [
            .init("\(record.revision)", .bold), .init("  \(record.time.shown)  ", .dim),
            .init("\(record.actor)"), .init(changes.isEmpty ? "  schema \(record.schema)" : "", .dim),
        ]
        let lines = changes.map { change -> String in
            let fields = change.operation == .updated ? ChangedField.between(change) : []
            let text = fields.map { "\($0.name) \($0.before.brief()) → \($0.after.brief())" }.joined(separator: ", ")
            return style.line([
                .init("    \(change.operation) ", look(change.operation)), .init(change.key.path),
                .init(text.isEmpty ? "" : "  " + text, .dim),
            ])
        }
        let cells = changes.map { change in
            [
                "\(record.revision)", record.time.description, "\(record.epoch.number)", record.actor,
                "\(change.operation)", change.key.path,
            ]
        }
        return ListItem(json: json, name: "\(record.revision)", cells: cells, lines: [style.line(title)] + lines)
    }
}
