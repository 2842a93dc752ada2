package import MetastoreInspection
internal import Metastore
internal import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// `list KIND`.
    package func list(_ query: RecordQuery, limit: Int?) throws {
        var printer = RecordPrinter(
            query.kind, options.format, style, options.look, head: try head(), write: { self.write($0) })
        let listed = try inspection.list(query, limit: limit) { record in
            try printer.add(record)
            return true
        }
        printer.end()
        if listed.hasMore, let limit {
            tell(["only the first \(Shown.grouped(limit)) are shown: --limit 0 shows all, --after KEY goes on"])
        }
        tellCompleteness(listed)
    }

    /// `describe KEY`.
    package func describe(_ text: String) throws {
        let key = try key(text)
        guard let record = try inspection.record(key) else { throw missing(key) }
        let members = try head()
        try answer(JSONText.object(members + [("record", record.json())])) {
            var lines = FieldLines()
            lines.add("key", record.key.path, .bold)
            if !record.isProven { lines.add("doubtful", "it has another hash than its own", .red) }
            for field in record.fields {
                lines.add(field.name.replacing("_base64", with: ""), field.value.shown(inBytes: options.look.inBytes))
            }
            return lines.lines(style)
        }
        tellCompleteness()
    }

    /// `tree KEY`.
    package func tree(_ text: String, all: Bool) throws {
        let key = try key(text)
        guard let tree = try inspection.tree(key, all: all) else { throw missing(key) }
        try answer(JSONText.object(try head() + [("tree", Self.json(tree))])) { Self.lines(tree, style) }
        tellCompleteness(tree.listed)
    }

    func missing(_ key: RecordKey) -> CommandFailure {
        let when = past.map { " at revision \($0)" } ?? ""
        return CommandFailure(
            .no,
            "\(key): there is no such record\(when). metastore-inspect \(options.store) history \(key) tells whether "
                + "there was one.")
    }

    private static func json(_ tree: RecordTree) -> String {
        var members = [("key", JSON.quoted(tree.record.key.path))]
        for name in ["state", "name", "kind"] {
            let value = tree.record[name]
            if value != .none { members.append((name, value.json)) }
        }
        if !tree.record.isProven { members.append(("doubtful", "true")) }
        if tree.unreadableCount > 0 { members.append(("unreadable", String(tree.unreadableCount))) }
        for (kind, count) in tree.counted { members.append((kind.name, String(count))) }
        if !tree.children.isEmpty { members.append(("children", JSONText.array(tree.children.map(json)))) }
        return JSONText.object(members)
    }

    private static func lines(_ tree: RecordTree, _ style: TerminalStyle) -> [String] {
        let (tee, corner, bar) = style.hasUnicode ? ("├─ ", "└─ ", "│  ") : ("|- ", "`- ", "|  ")
        func lines(_ tree: RecordTree, first: String, rest: String) -> [String] {
            var words = [tree.record.key.path]
            for name in ["kind", "state", "name", "best_metric", "size"] {
                let value = tree.record[name]
                if value != .none { words.append(value.shown()) }
            }
            if !tree.record.isProven { words.append("(doubtful)") }
            var found = [style.line([.init(first, .dim), .init(words.joined(separator: "  "))])]
            let counted = tree.counted.map { "\(Shown.grouped($0.count)) \($0.kind.name)" }
            for (index, text) in counted.enumerated() {
                let isLast = index == counted.count - 1 && tree.children.isEmpty
                found.append(style.line([.init(rest + (isLast ? corner : tee), .dim), .init(text, .dim)]))
            }
            for (index, child) in tree.children.enumerated() {
                let isLast = index == tree.children.count - 1
                found += lines(child, first: rest + (isLast ? corner : tee), rest: rest + (isLast ? "   " : bar))
            }
            return found
        }
        return lines(tree, first: "", rest: "")
    }
}
