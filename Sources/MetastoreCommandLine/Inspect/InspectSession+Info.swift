internal import FoundationEssentials
internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// `info`.
    package func info(sizes isSized: Bool) throws {
        let info = try inspection.info()
        let sizes = isSized ? try inspection.sizes() : nil
        let facts = try archive?.facts()
        try answer(try json(info, sizes, facts)) {
            lines(info, sizes) + (facts.map { [""] + $0.lines(style) } ?? [])
        }
        guard archive == nil else { return }
        tell(["the head row, the log's end and the files were looked at, and no record (check --full)"])
    }

    private func json(
        _ info: StoreInfo, _ sizes: [StoreInfo.Size]?, _ facts: (any CommandReport)?
    ) throws -> String {
        let summary = info.facts.summary
        var members = try head(verified: "head")
        members += [
            ("cluster", JSON.quoted(summary.cluster.uuidString.lowercased())), ("epoch", String(summary.epoch)),
            ("time", JSON.quoted(info.facts.time.description)),
            ("closedCleanly", inspection.isRebuilt ? "null" : info.facts.isClean ? "true" : "false"),
            ("provenUpTo", inspection.verdict.provenUpTo.map { String($0.rawValue) } ?? "null"),
            ("oldestRevision", String(summary.compactedRevision.rawValue)), ("logBytes", String(info.facts.logBytes)),
            ("lastActor", JSONText.text(info.lastActor)), ("leader", JSONText.text(info.leader)),
            ("schema", String(info.schema)), ("knownSchema", String(info.knownSchema)),
            ("minReader", JSONText.number(info.minReader)), ("minWriter", JSONText.number(info.minWriter)),
        ]
        members += [
            ("role", JSONText.text(info.role?.name)), ("isCopy", info.isCopy.map { $0 ? "true" : "false" } ?? "null"),
        ]
        if info.isLeaderDoubtful { members.append(("leaderDoubtful", "true")) }
        if let writer = info.migratedBy {
            members.append(
                (
                    "migratedBy",
                    JSONText.object([
                        ("binary", JSON.quoted(writer.binary)), ("host", JSON.quoted(writer.host)),
                        ("time", JSON.quoted(writer.time.description)),
                    ])
                ))
        }
        if let log = inspection.log {
            members.append(
                (
                    "writeAheadLog",
                    JSONText.object([
                        ("commits", String(log.commits)), ("shownCommits", String(log.shownCommits)),
                        ("frames", String(log.frames)), ("flaw", JSONText.text(log.flaw)),
                    ])
                ))
        }
        members.append(("notices", JSONText.array(inspection.notices.map(JSON.quoted))))
        if let sizes {
            let rows = sizes.map { size in
                JSONText.object([
                    ("table", JSON.quoted(size.name)), ("rows", JSONText.number(size.rows)),
                    ("bytes", String(size.bytes)),
                ])
            }
            members.append(("tables", JSONText.array(rows)))
        }
        if let facts { members.append(("archive", try Self.json(facts))) }
        return JSONText.object(members)
    }

    private static func json(_ facts: some CommandReport) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(facts), as: UTF8.self)
    }

    private func lines(_ info: StoreInfo, _ sizes: [StoreInfo.Size]?) -> [String] {
        let summary = info.facts.summary
        var lines = FieldLines()
        lines.add(inspection.isRebuilt ? "archive" : "store", inspection.place, .bold)
        lines.add("verdict", "\(inspection.verdict)", inspection.verdict.look)
        lines.add("cluster", summary.cluster.uuidString.lowercased())
        lines.add("revision", "\(Shown.grouped(Int(summary.revision.rawValue))), epoch \(summary.epoch)")
        lines.add(
            "last commit", info.facts.time.shown + (info.lastActor.map { " by \($0)" } ?? ""))
        lines.add("leader", (info.leader ?? "nobody") + (info.isLeaderDoubtful ? " (doubtful)" : ""))
        switch info.role {
        case nil: break
        case .leader: lines.add("writes", "its own")
        case .follower: lines.add("writes", "those of the store that it follows")
        }
        if info.isCopy == true { lines.add("file", "a copy: the store was last written in another file", .yellow) }
        if !inspection.isRebuilt { lines.add("closed cleanly", info.facts.isClean ? "yes" : "no") }
        lines.add("schema", "\(info.schema) (this program knows \(info.knownSchema))")
        if let writer = info.migratedBy {
            lines.add(
                "schema made by", "\(writer.binary) on \(writer.host), \(writer.time.shown)")
        }
        lines.add(
            "log",
            "from revision \(Shown.grouped(Int(summary.compactedRevision.rawValue) + 1)), "
                + "about \(Shown.bytes(Int(info.facts.logBytes)))")
        if let log = inspection.log { lines.add("write-ahead log", log.description) }
        guard let sizes else { return lines.lines(style) }
        var table = TextTable([
            .init("TABLE", mayShrink: true), .init("ROWS", isNumber: true), .init("SIZE", isNumber: true),
        ])
        for size in sizes {
            table.add(
                size.name, size.rows.map { Shown.grouped(Int($0)) } ?? "-",
                options.look.inBytes ? String(size.bytes) : Shown.bytes(Int(size.bytes)))
        }
        return lines.lines(style) + [""] + table.lines(style)
    }
}

extension Verdict {
    var provenUpTo: Revision? {
        switch self {
        case .notClosedCleanly(let revision), .archived(let revision): revision
        case .clean, .live, .damaged: nil
        }
    }

    var look: TerminalStyle.Look {
        switch self {
        case .clean, .archived: .green
        case .notClosedCleanly: .yellow
        case .live: .cyan
        case .damaged: .red
        }
    }
}
