internal import Glibc

/// A child process whose standard output is read; killed when it goes out of scope.
final class ChildProcess {
    private var process: pid_t = 0
    private let output: UnsafeMutablePointer<FILE>
    private var isReaped = false

    init(_ command: String...) throws {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw TemporaryPlace.Failure(call: "pipe", number: errno) }
        for pipe in pipes { _ = fcntl(pipe, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        let result = posix_spawnp(&process, command[0], &actions, nil, arguments, environ)
        close(pipes[1])
        guard result == 0 else { throw TemporaryPlace.Failure(call: "posix_spawnp", number: result) }
        output = fdopen(pipes[0], "r")
    }

    deinit {
        if !isReaped {
            kill()
            _ = exitCode()
        }
        fclose(output)
    }

    /// The next line, without its end; nil when there is none.
    func line() -> String? {
        var buffer: UnsafeMutablePointer<CChar>?
        var size = 0
        defer { free(buffer) }
        guard getline(&buffer, &size, output) > 0, let buffer else { return nil }
        let line = String(cString: buffer)
        return line.hasSuffix("\n") ? String(line.dropLast()) : line
    }

    func kill() {
        _ = Glibc.kill(process, SIGKILL)
    }

    func exitCode() -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        isReaped = true
        return (status >> 8) & 0xff
    }
}
