import Glibc

/// A program of its own: the floor, or this one anew.
enum ChildProcess {
    struct Failure: Error, CustomStringConvertible {
        let program: String
        let status: Int32

        var description: String { "\(program) ended with status \(status)" }
    }

    /// Runs it to its end and returns what it printed; its errors go where ours go. Blocks its thread.
    static func output(_ program: String, _ arguments: [String]) throws -> String {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(program: program, status: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        // Signals that wait for this program's main thread are the child's to die of.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process = pid_t()
        let result = posix_spawn(&process, program, &actions, &attributes, words, environ)
        close(ends[1])
        defer { close(ends[0]) }
        guard result == 0 else { throw Failure(program: program, status: result) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(ends[0], &chunk, chunk.count)
            if count > 0 { bytes += chunk[..<count] } else if count == 0 || errno != EINTR { break }
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
        guard status == 0 else { throw Failure(program: program, status: status >> 8) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The measurements that a program prints, a line each.
    static func measurements(_ program: String, _ arguments: [String]) throws -> [Measurement] {
        try output(program, arguments).split(separator: "\n").compactMap { Measurement(line: $0) }
    }

    /// This program's own file.
    static var itself: String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
