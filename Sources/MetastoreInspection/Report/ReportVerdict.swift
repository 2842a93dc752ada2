internal import MetastoreModel
internal import MetastoreTerminal

/// What a verdict means for whoever stands before the store, and what to do next.
struct ReportVerdict {
    struct Step {
        let text: String
        let hasCommand: Bool
        let command: String

        init(_ text: String, command: String? = nil) {
            self.text = text
            hasCommand = command != nil
            self.command = command ?? ""
        }
    }

    let tone: String
    let mark: String
    let title: String
    let meaning: String
    let nextSteps: [Step]

    /// - Parameter place: where the store is.
    init(_ verdict: Verdict, place: String) {
        let check = Step("To look at every row and the whole log:", command: Self.command(place, "check --full"))
        switch verdict {
        case .clean:
            (tone, mark, title) = ("ok", "✓", "Clean")
            meaning =
                "It was closed as it should be: no write-ahead log stands beside it, and nothing newer is known of. "
                + "What is shown is all that was committed."
            nextSteps = [Step("Nothing has to be done."), check]
        case .notClosedCleanly(let revision):
            (tone, mark, title) = ("warn", "!", "Not closed cleanly: proven up to revision \(revision)")
            meaning =
                "Everything up to revision \(revision) is there and hangs together. Later commits can be neither shown "
                + "nor excluded: what had not reached these files left no trace in them."
            nextSteps = [
                Step(
                    "Compare revision \(revision) with what others saw: a consumer’s own notes, a backup, the master’s "
                        + "log. A later one there is a commit that is missing here."),
                check,
                Step(
                    "Keep the database and what lies beside it (-wal, .head) together, and start a master on a copy: "
                        + "it goes on after revision \(revision)."),
            ]
        case .live:
            (tone, mark, title) = ("info", "●", "In use")
            meaning =
                "Somebody has it open. It was read through its own locks: this is one committed state, and it may have "
                + "moved on since."
            nextSteps = [Step("Nothing has to be done. Make another report for a later state.")]
        case .archived(let revision):
            (tone, mark, title) = ("info", "●", "Archived: proven up to revision \(revision)")
            meaning =
                "It was rebuilt from an archive, and everything up to revision \(revision) was verified on the way. "
                + "What the master committed later had not reached the archive: it can be neither shown nor excluded."
            nextSteps = [
                Step(
                    "Look for a volume, or a snapshot of one, that has later revisions. Where there is none, this is "
                        + "what can be restored."),
                check,
                Step(
                    "To make a store of it:",
                    command: "metastore-replicate restore \(ShellText.quoted(Self.folder(of: place))) --into DATABASE"),
            ]
        case .damaged(let reason):
            (tone, mark, title) = ("bad", "✕", "Damaged")
            meaning = "What is there contradicts itself, or is cut short: \(reason)."
            nextSteps = [
                Step(
                    "Keep all its files as they are. Open them with nothing that writes: no master, no SQLite shell."),
                check,
                Step("What is whole can be taken out:", command: Self.command(place, "export > all.ndjson")),
                Step("Before anything is put in its place, look for a backup with a later revision than this."),
            ]
        }
    }

    /// The archive that a cluster's folder lies in.
    private static func folder(of place: String) -> String {
        place.lastIndex(of: "/").map { $0 == place.startIndex ? "/" : String(place[..<$0]) } ?? place
    }

    private static func command(_ place: String, _ command: String) -> String {
        "metastore-inspect \(ShellText.quoted(place)) \(command)"
    }
}
