internal import Glibc
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// `report`: one page about everything, to the standard output or into a file.
    ///
    /// - Parameters:
    ///   - path: of the file; nil for the standard output, which a terminal must not be.
    ///   - isForced: a file that is there is replaced.
    package func report(to path: String?, isForced: Bool) throws {
        let file = try path.map { try NewFile($0, isForced: isForced) }
        if file == nil, isatty(1) == 1 {
            throw CommandFailure(
                .usage, "a report is a page for a browser, and no text for a terminal. Write it with --to report.html.")
        }
        let data = try inspection.reportData(isPast: past != nil) { [screen] part in
            screen.show("report: \(part)", 0, nil, "rows")
        }
        screen.clear()
        let page = try ReportPage(data).html()
        if let file {
            try file.write(page)
            screen.say("wrote \(file.path) (\(Shown.bytes(page.utf8.count))): open it in a browser")
        } else {
            write(page)
        }
        for missing in data.missing { screen.say("warning: not in the report: \(missing.what): \(missing.reason)") }
        if data.doubtful > 0 {
            screen.say("warning: rows in it that have another hash than their own: \(Shown.grouped(data.doubtful))")
        }
    }
}
