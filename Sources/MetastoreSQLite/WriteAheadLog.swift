/// What the writer knows about its write-ahead log: told by SQLite after every commit, so that nobody ever has to look
/// at the file.
final class WriteAheadLog {
    /// Pages in the log, as of the last commit or checkpoint.
    private(set) var pages = 0
    /// True when everything committed is in the database file.
    private(set) var isSettled = false
    private var pagesAtLastTry = 0
    private var lastTry: ContinuousClock.Instant?
    private let frameBytes: Int

    init(pageBytes: Int) {
        frameBytes = pageBytes + 24
    }

    var bytes: Int { pages == 0 ? 0 : 32 + pages * frameBytes }

    /// Pages written since a checkpoint was last tried.
    var pagesSinceLastTry: Int { pages - pagesAtLastTry }

    /// Whatever becomes of it, the log may hold more than the database file from now on.
    func willCommit() { isSettled = false }

    func committed(pages: Int) {
        // Fewer than before: the writer went back to the start of the log.
        if pages < pagesAtLastTry { pagesAtLastTry = 0 }
        self.pages = pages
        isSettled = false
    }

    func checkpointed(pages: Int, isSettled: Bool, beginsAnew: Bool) {
        if pages >= 0 { self.pages = beginsAnew ? 0 : pages }
        pagesAtLastTry = self.pages
        lastTry = .now
        self.isSettled = isSettled
    }

    func triedWithin(_ duration: Duration) -> Bool {
        guard let lastTry else { return false }
        return .now - lastTry < duration
    }
}
