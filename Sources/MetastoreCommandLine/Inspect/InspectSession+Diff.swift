internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// `diff STORE STORE`: objects, not rows.
    ///
    /// - Parameter moment: at which the other store is shown.
    /// - Returns: no where they differ, as `diff` does.
    package func diff(with other: String, at moment: String?) throws -> ExitStatus {
        var others = options
        others.store = other
        (others.at, others.cluster) = (moment, nil)
        let new = try InspectSession(others, screen: screen, output: BufferedOutput(style) { _ in })
        return try new.run { try diff(with: $0) }
    }

    private func diff(with new: InspectSession) throws -> ExitStatus {
        let (from, to) = (try inspection.store.summary(), try new.inspection.store.summary())
        var printer = ListPrinter(
            options.format, named: "differences",
            head: [
                ("from", JSON.quoted(inspection.place)), ("fromRevision", String(from.revision.rawValue)),
                ("to", JSON.quoted(new.inspection.place)), ("toRevision", String(to.revision.rawValue)),
                ("verified", JSON.quoted("rows")),
            ], titles: options.look.hasHeaders ? ["key", "what", "field", "before", "after"] : [],
            write: { self.write($0) }
        )
        if from.cluster != to.cluster { tell(["these are stores of different clusters"]) }
        var counts: [RecordKind: [RecordDifference.What: Int]] = [:]
        let compared = try StoreDiff.run(
            inspection, new.inspection, progress: { [screen] in screen.show("diff", $0, nil, "records") }
        ) { difference in
            counts[difference.key.kind, default: [:]][difference.what, default: 0] += 1
            try printer.add(Self.item(difference, style))
        }
        screen.clear()
        printer.end()
        let words = RecordKind.allCases.compactMap { kind -> String? in
            guard let found = counts[kind] else { return nil }
            let parts = [RecordDifference.What.created, .changed, .deleted].compactMap { what in
                found[what].map { "\(Shown.grouped($0)) \(what.rawValue)" }
            }
            return "\(kind.name): \(parts.joined(separator: ", "))"
        }
        if compared.doubtful > 0 { tellDoubtful(compared.doubtful) }
        tell([words.isEmpty ? "no difference" : words.joined(separator: " · ")])
        return counts.isEmpty ? .success : .no
    }

    private static func item(_ difference: RecordDifference, _ style: TerminalStyle) -> ListItem {
        var members = [
            ("key", JSON.quoted(difference.key.path)), ("what", JSON.quoted(difference.what.rawValue)),
            ("fields", fields(difference.fields)),
        ]
        if difference.isDoubtful { members.append(("doubtful", "true")) }
        let look: TerminalStyle.Look =
            switch difference.what {
            case .created: .green
            case .changed: .cyan
            case .deleted: .red
            }
        let sign =
            switch difference.what {
            case .created: "+ "
            case .changed: "~ "
            case .deleted: "- "
            }
        let changed = difference.what == .changed ? difference.fields : []
        let text = changed.map { "\($0.name) \($0.before.brief()) → \($0.after.brief())" }.joined(separator: ", ")
        return ListItem(
            json: JSONText.object(members), name: difference.key.path,
            cells: difference.fields.map {
                [difference.key.path, difference.what.rawValue, $0.name, $0.before.plain, $0.after.plain]
            },
            lines: [
                style.line([
                    .init(sign, look), .init(difference.key.path, look), .init(text.isEmpty ? "" : "  " + text),
                    .init(difference.isDoubtful ? "  (doubtful)" : "", .red),
                ])
            ])
    }
}
