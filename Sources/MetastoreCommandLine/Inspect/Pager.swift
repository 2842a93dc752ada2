internal import FoundationEssentials
internal import Glibc

/// Shows long answers a screen at a time, where there is a screen: `$PAGER`, or less.
package final class Pager {
    private let child: pid_t
    private let terminal: Int32

    /// Nil where the output is no terminal, or no pager is wanted (`PAGER=cat`, or empty).
    package init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
        guard isatty(1) == 1, environment["TERM"] != "dumb" else { return nil }
        let command = environment["PAGER"] ?? "less"
        guard !command.isEmpty, command != "cat" else { return nil }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        var variables = environment
        if variables["LESS"] == nil { variables["LESS"] = "FRX" }
        var words: [UnsafeMutablePointer<CChar>?] =
            ["sh", "-c", command].map { (word: String) in strdup(word) } + [nil]
        var values: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + values { free(text) } }
        var started = pid_t()
        let result = posix_spawn(&started, "/bin/sh", &actions, nil, &words, &values)
        Glibc.close(ends[0])
        guard result == 0 else {
            Glibc.close(ends[1])
            return nil
        }
        child = started
        terminal = dup(1)
        dup2(ends[1], 1)
        Glibc.close(ends[1])
    }

    /// Waits until the reader is done with it.
    package func end() {
        dup2(terminal, 1)
        Glibc.close(terminal)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
    }
}
