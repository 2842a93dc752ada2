package import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// `check`.
    ///
    /// - Returns: the exit status: damaged where anything was found.
    package func check(_ depth: StoreCheck.Depth) throws -> ExitStatus {
        guard past == nil else {
            throw CommandFailure(
                .usage,
                "check looks at what is stored now. Leave --at out: the log, by which the past is shown, is part "
                    + "of what it checks.")
        }
        var check = try inspection.check(depth) { [screen] title, done, total in
            screen.show(title, done, total, "rows")
        }
        screen.clear()
        for item in try archive?.check(depth) ?? [] {
            check.add(item.name, item.findings.map { ($0.object, $0.detail) })
        }
        let verified = depth == .full && check.isClean ? "full" : depth == .full ? "no" : "quick"
        let items = check.items.map { item in
            JSONText.object([
                ("id", JSON.quoted(item.id)), ("name", JSON.quoted(item.name)), ("findings", String(item.findings)),
            ])
        }
        let findings = check.findings.map { finding in
            JSONText.object([
                ("id", JSON.quoted(finding.id)), ("key", JSON.quoted(finding.key)),
                ("detail", JSON.quoted(finding.detail)),
            ])
        }
        let json = JSONText.object(
            try head(verified: verified) + [
                ("depth", JSON.quoted(depth.rawValue)), ("rows", String(check.rows)),
                ("logRecords", String(check.logRecords)), ("findingCount", String(check.findingCount)),
                ("invariants", JSONText.array(items)), ("findings", JSONText.array(findings)),
            ])
        try answer(json) { lines(check) }
        if depth == .quick { tell(["the records were not looked at (check --full)"]) }
        return check.isClean ? .success : .damaged
    }

    private func lines(_ check: StoreCheck) -> [String] {
        var lines = check.items.filter { options.format == .wide || $0.findings > 0 }.map { item in
            style.line([
                .init(item.findings == 0 ? "ok    " : "BROKEN", item.findings == 0 ? .green : .red),
                .init("  \(item.name)"),
                .init(item.findings == 0 ? "" : "  (\(Shown.count(item.findings, "finding")))", .red),
            ])
        }
        lines += check.findings.map { "    \($0.key)" + ($0.detail.isEmpty ? "" : ": \($0.detail)") }
        let looked =
            check.depth == .full
            ? "\(Shown.count(check.rows, "row")), \(Shown.count(check.logRecords, "log record"))"
            : "the files, the catalogue and \(Shown.count(check.logRecords, "log record"))"
        let verdict = check.isClean ? "no findings" : Shown.count(check.findingCount, "finding")
        lines.append(
            style.line([
                .init("revision \(check.revision): \(looked), \(Shown.count(check.items.count, "invariant")): "),
                .init(verdict, check.isClean ? .green : .red),
            ]))
        if !check.isClean {
            lines.append(
                archive != nil
                    ? "Keep all its objects as they are, and look for a copy of the archive that has them whole."
                    : "Keep all its files as they are. What is whole can be exported, or taken out with salvage into a "
                        + "new store."
            )
        }
        return lines
    }
}
