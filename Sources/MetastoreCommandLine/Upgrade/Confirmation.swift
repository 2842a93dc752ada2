internal import Glibc
internal import MetastoreTerminal

/// Asks before something is done that can't be undone by another command alone.
package enum Confirmation {
    /// Asks on the terminal; `--yes` answers it. Without either nothing is done.
    ///
    /// - Parameter otherwise: what shows what would be done.
    package static func ask(
        _ question: String, isYes: Bool, otherwise: String = "--dry-run"
    ) throws(CommandFailure) {
        guard !isYes else { return }
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            throw CommandFailure(
                .usage,
                "\(question) Nobody can answer here, so nothing was done. Say --yes if you mean it; "
                    + "\(otherwise) shows what it would do.")
        }
        StandardStream.error.write("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else { throw CommandFailure(.no, "nothing was done") }
    }
}
