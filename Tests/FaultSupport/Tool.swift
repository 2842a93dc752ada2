internal import FoundationEssentials
package import Glibc

/// A program that was built beside the tests, as a process of its own; killed when it goes out of scope.
package final class Tool: @unchecked Sendable {  // `status` is touched by one thread at a time
    private let folder: String
    package private(set) var process: pid_t = 0
    private var status: Int32?

    /// What a process left behind.
    package struct Ending {
        /// The exit code; 128 and the signal when one ended it.
        package let code: Int32
        package let output: String
        package let errors: String

        package var lines: [Substring] { output.split(separator: "\n") }
    }

    /// Where its output goes.
    package enum Output {
        /// Into a file, so that it never waits for a reader.
        case file
        /// Into a pipe that nobody reads.
        case closedPipe
    }

    /// - Parameters:
    ///   - program: of the folder of products, or a path.
    ///   - environment: all of it.
    package init(
        _ arguments: [String], program: String = "metastore-migrate", environment: [String: String] = [:],
        output: Output = .file
    ) throws {
        var template = Array("/tmp/metastore-tool-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure("mkdtemp", errno) }
        folder = String(cString: made)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, name) in [(1, "output"), (2, "errors")] {
            posix_spawn_file_actions_addopen(
                &actions, Int32(descriptor), folder + "/" + name, O_WRONLY | O_CREAT, 0o600)
        }
        var ends: [Int32] = [0, 0]
        if output == .closedPipe {
            guard pipe(&ends) == 0 else { throw Failure("pipe", errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            close(ends[0])
            posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        }
        defer { if output == .closedPipe { close(ends[1]) } }
        let path = program.contains("/") ? program : CrashProcess.directory + "/" + program
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let own = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"].merging(environment) { $1 }
        let settings = own.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + settings { free(word) } }
        let result = posix_spawn(&process, path, &actions, nil, words, settings)
        guard result == 0 else { throw Failure("posix_spawn \(path)", result) }
    }

    deinit {
        if status == nil {
            send(SIGKILL)
            wait()
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    package func send(_ signal: Int32) { kill(process, signal) }

    /// Starts it, waits for its end.
    package static func run(
        _ arguments: [String], program: String = "metastore-migrate", environment: [String: String] = [:],
        output: Output = .file
    ) throws -> Ending {
        try Tool(arguments, program: program, environment: environment, output: output).end()
    }

    /// What it shows on a terminal of so many columns.
    package static func onTerminal(
        _ columns: Int, _ arguments: [String], _ environment: [String: String] = [:],
        program: String = "metastore-migrate"
    ) throws -> String {
        let tool = CrashProcess.directory + "/" + program
        let command = "stty cols \(columns); exec '\(tool)' \(arguments.map { "'\($0)'" }.joined(separator: " "))"
        return try run(
            ["-qec", command, "/dev/null"], program: "/usr/bin/script",
            environment: ["TERM": "xterm", "SHELL": "/bin/sh"].merging(environment) { $1 }
        ).output
    }

    /// Waits for its end.
    package func end() -> Ending {
        wait()
        return Ending(code: status ?? -1, output: text("output"), errors: text("errors"))
    }

    /// Waits until it has stopped itself (or has ended).
    package func awaitStop() {
        guard status == nil else { return }
        var found: Int32 = 0
        while waitpid(process, &found, WUNTRACED) < 0, errno == EINTR {}
        if found & 0xff != 0x7f { status = Self.code(found) }
    }

    /// What it wrote so far to its error stream.
    package var errors: String { text("errors") }

    package var lines: [Substring] { text("output").split(separator: "\n") }

    package var hasEnded: Bool {
        guard status == nil else { return true }
        var found: Int32 = 0
        guard waitpid(process, &found, WNOHANG) == process else { return false }
        status = Self.code(found)
        return true
    }

    private func wait() {
        guard status == nil else { return }
        var found: Int32 = 0
        while waitpid(process, &found, 0) < 0, errno == EINTR {}
        status = Self.code(found)
    }

    private static func code(_ status: Int32) -> Int32 {
        status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }

    private func text(_ name: String) -> String {
        FileManager.default.contents(atPath: folder + "/" + name).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
