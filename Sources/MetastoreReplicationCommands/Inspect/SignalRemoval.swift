// Invariants
// 1. From before a folder is made until after it is gone, no signal ends the process but through here.
// 2. Whoever fails because the folder was removed says nothing: the process ends as the signal says.
// 3. A folder is made and listed in one step, and none once the end has begun: what is listed is all there is.
// 4. One thread waits for signals, as long as the process lives: two would each know of its own folders alone.

internal import Glibc
internal import MetastoreEngine
internal import Synchronization

/// Removes what was made for a while, when a signal ends the process.
enum SignalRemoval {
    private struct State {
        var folders: [ScratchFolder] = []
        var isEnding = false
    }

    private static let state = Mutex(State())
    private static let signals: sigset_t = {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        return signals
    }()
    private static let isWaiting: Bool = BlockingThread.tryStart {
        var (signals, number) = (Self.signals, Int32(0))
        while sigwait(&signals, &number) != 0 {}
        let folders = state.withLock { state in
            state.isEnding = true
            return state.folders
        }
        for folder in folders {
            // Whoever is filling it may have made a file meanwhile; in a folder that is gone nobody can.
            for _ in 0..<1_000 where access(folder.path, F_OK) == 0 { folder.remove() }
        }
        if isatty(2) == 1 { _ = "\r\u{1B}[K".withCString { write(2, $0, strlen($0)) } }
        _exit(128 + number)
    }

    /// Lends a folder that is gone afterwards, also where SIGINT, SIGTERM or SIGHUP ends the process meanwhile.
    ///
    /// - Parameter isWatching: false where signals are somebody else's business.
    static func lending<Value>(
        _ isWatching: Bool, _ make: () throws -> ScratchFolder, _ body: (ScratchFolder) throws -> Value
    ) throws -> Value {
        guard isWatching else {
            let folder = try make()
            defer { folder.remove() }
            return try body(folder)
        }
        // Other threads have them blocked (see BlockingThread): one alone waits for them.
        var (blocked, before) = (signals, sigset_t())
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        guard isWaiting else { return try lending(false, make, body) }
        let made = try state.withLock { state -> ScratchFolder? in
            guard !state.isEnding else { return nil }
            let folder = try make()
            state.folders.append(folder)
            return folder
        }
        guard let folder = made else { awaitEnd() }
        defer {
            folder.remove()
            state.withLock { $0.folders.removeAll { $0.path == folder.path } }
        }
        do {
            return try body(folder)
        } catch {
            if state.withLock({ $0.isEnding }) { awaitEnd() }
            throw error
        }
    }

    private static func awaitEnd() -> Never {
        while true { pause() }
    }
}
