internal import Glibc
internal import MetastoreEngine
internal import Testing

@Suite struct `A thread of the library` {
    /// Which of some signals are blocked where it is called.
    private static func blocked() -> Set<Int32> {
        var signals = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &signals)
        return Set([SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGSEGV].filter { sigismember(&signals, $0) == 1 })
    }

    @Test func `handles no signal but its own faults, and leaves its starter's alone`() async throws {
        let before = Self.blocked()
        let found = await withCheckedContinuation { continuation in
            guard BlockingThread.tryStart({ continuation.resume(returning: Self.blocked()) }) else {
                return continuation.resume(returning: [])
            }
        }
        #expect(found == [SIGINT, SIGTERM, SIGHUP, SIGUSR1])
        #expect(Self.blocked() == before)
    }
}
