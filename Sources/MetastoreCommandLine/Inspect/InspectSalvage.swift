internal import FoundationEssentials
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

/// `salvage`: of a store that may be too damaged to be opened.
package struct InspectSalvage: Sendable {
    private let options: InspectOptions
    private let target: String

    /// - Parameter target: where the new store is to be.
    package init(_ options: InspectOptions, to target: String) {
        (self.options, self.target) = (options, target)
    }

    /// Finds the file, makes the new store and prints what is in it.
    ///
    /// - Returns: success where all there was is in the new store; else no.
    package func run(screen: CommandScreen, output: BufferedOutput) throws -> ExitStatus {
        guard case .sqlite(let place) = try StoreURL(options.store).place else {
            throw CommandFailure(
                .usage, "salvage is for files. What a server can't read any more is its backups' task.")
        }
        let path = try Self.file(place)
        let report = try Salvage(path: path).run(into: target) { [screen] done, total in
            screen.show("salvage", done, total, "pages")
        }
        screen.clear()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(report), as: UTF8.self)
        output.write(try options.format.text(json) { Self.lines(report, output.style) })
        output.flush()
        return report.rows.allSatisfy { $0.isWhole } && report.findings.isEmpty ? .success : .no
    }

    /// A header-less file is none that is found in a directory: it has to be named.
    private static func file(_ place: String) throws -> String {
        switch StoreFinder.find(at: place) {
        case .database(let path), .otherFile(let path): return path
        case .archive(let archive):
            throw CommandFailure(
                .usage,
                "\(archive.path) is an archive, and salvage is for the pages of a database. What is whole in an "
                    + "archive every other command shows; metastore-replicate restore makes a store of it.")
        case .archives(let archives): throw InspectionError.severalArchives(place: place, archives: archives)
        case .several(let paths): throw InspectionError.several(place: place, paths: paths)
        case .serverData(let data): throw InspectionError.serverData(data)
        case .tooMany(let entries): throw InspectionError.tooMany(place: place, entries: entries)
        case .nothing:
            throw CommandFailure(
                .missing, "\(place): there is no database in it that can be told to be one. Name the file itself.")
        }
    }

    static func lines(_ report: SalvageReport, _ style: TerminalStyle) -> [String] {
        var table = TextTable([
            .init("KIND"), .init("RECOVERED", isNumber: true), .init("OF", isNumber: true),
            .init("FROM THE LOG", isNumber: true), .init("UNCONFIRMED", isNumber: true),
            .init("DOUBTFUL", isNumber: true), .init("ASIDE", isNumber: true),
        ])
        for rows in report.rows where rows.recovered > 0 || rows.expected ?? 1 > 0 || rows.doubtful > 0 {
            table.add(
                rows.kind, Shown.grouped(rows.recovered), rows.expected.map { Shown.grouped($0) } ?? "?",
                Shown.grouped(rows.rebuilt), Shown.grouped(rows.unconfirmed), Shown.grouped(rows.doubtful),
                Shown.grouped(rows.aside))
        }
        let isWhole = report.rows.allSatisfy(\.isWhole)
        var lines = table.lines(style)
        lines.append("")
        lines.append(
            "\(Shown.count(report.pages.total, "page")) of \(Shown.bytes(report.pages.bytes)), "
                + "\(report.pages.unreadable) missing where a tree should go on, \(report.pages.unassigned) of nobody")
        lines.append("\(Shown.count(report.log.found, "log record")) found, \(Shown.grouped(report.log.proven)) proven")
        let noted = report.notedRevision.map { $0 > report.revision ? ", of \($0) that were durable" : "" } ?? ""
        lines.append("\(report.target): revision \(report.revision)\(noted), in an epoch of its own")
        if !report.isClusterKnown { lines.append("the cluster's id was lost: the new store has another one") }
        if let file = report.asideFile {
            lines.append(
                "what is damaged, or has lost what it belongs to, stands in \(file), a line each with the reason")
        }
        lines += report.findings.map { "finding: \($0)" }
        lines.append(
            style.line([
                isWhole
                    ? .init("everything there was is in the new store", .green)
                    : .init("what isn't proven isn't in the new store: look at the table above", .yellow)
            ]))
        return lines
    }
}
