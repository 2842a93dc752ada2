internal import FoundationEssentials
package import Glibc

/// A `metastore-crash-test` that is steered by lines and killed when it goes out of scope.
package final class CrashProcess {
    package let id: pid_t
    private let input: Int32
    private let output: Int32
    private var buffer: [UInt8] = []
    private var isReaped = false

    /// - Parameter environment: added to this process' own.
    package init(_ arguments: String..., environment: [String: String] = [:]) throws {
        var toChild: [Int32] = [0, 0]
        var fromChild: [Int32] = [0, 0]
        guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw Failure("pipe") }
        for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        let words = ([Self.program] + arguments).map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") }
        var index = 0
        while let setting = environ[index] {
            settings.append(strdup(setting))
            index += 1
        }
        settings.append(nil)
        defer { for text in words + settings { free(text) } }
        var process: pid_t = 0
        let result = posix_spawn(&process, Self.program, &actions, nil, words, settings)
        Glibc.close(toChild[0])
        Glibc.close(fromChild[1])
        (id, input, output) = (process, toChild[1], fromChild[0])
        guard result == 0 else { throw Failure("posix_spawn \(Self.program)", result) }
    }

    deinit {
        kill()
        Glibc.close(input)
        Glibc.close(output)
    }

    private static let program = directory + "/metastore-crash-test"

    /// Where the binary of the tests lies.
    package static let directory: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path[..<max(length, 0)].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
    }()

    /// Sends a command and awaits its answer; lines before it that begin with `expecting` are kept in `heard`.
    @discardableResult
    package func ask(_ command: String, within seconds: Double = 20) throws -> String {
        send(command)
        while let line = try line(within: seconds) {
            if line.hasPrefix("ok") || line.hasPrefix("error") { return line }
            heard.append(line)
        }
        return "ended"
    }

    package private(set) var heard: [String] = []

    package func send(_ command: String) {
        let bytes = Array((command + "\n").utf8)
        _ = write(input, bytes, bytes.count)
    }

    /// The next line; nil at the end of the output.
    package func line(within seconds: Double = 20) throws -> String? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer.removeSubrange(...end) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            let left = (deadline - .now).components
            guard left.seconds >= 0, left.attoseconds >= 0 else { throw Failure("the process says nothing") }
            var poll = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            _ = Glibc.poll(&poll, 1, Int32(left.seconds * 1000) + 100)
            guard poll.revents != 0 else { continue }
            var piece = [UInt8](repeating: 0, count: 1 << 16)
            let got = read(output, &piece, piece.count)
            guard got > 0 else { return nil }
            buffer += piece[..<got]
        }
    }

    /// The next line that it has said already; nil when there is none, or not all of it.
    package func waitingLine() throws -> String? {
        var poll = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        guard buffer.contains(UInt8(ascii: "\n")) || Glibc.poll(&poll, 1, 0) > 0 else { return nil }
        return try line(within: 0.1)
    }

    /// Everything it said until it ended.
    package func rest() throws -> [String] {
        var lines: [String] = []
        while let line = try line() { lines.append(line) }
        return lines
    }

    package func signal(_ number: Int32) { _ = Glibc.kill(id, number) }

    /// Returns once it is stopped.
    package func stop() {
        signal(SIGSTOP)
        var status: Int32 = 0
        waitpid(id, &status, WUNTRACED)
    }

    /// Stops it where it neither writes nor reads: in the middle of a write or a checkpoint it would keep everybody
    /// else from writing, in the middle of a read its successor from copying the write-ahead log into the database.
    package func stopBetweenTransactions() throws {
        while true {
            stop()
            // "1: POSIX  ADVISORY  WRITE 4711 fe:01:1234 120 120"; a read holds one of the index' bytes 123 to 127.
            let isHolding = try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n").contains {
                let words = $0.split(separator: " ")
                guard words.count == 8, words[1] == "POSIX", words[4] == "\(id)" else { return false }
                return words[3] == "WRITE" || (123...127).contains(Int(words[6]) ?? 0)
            }
            guard isHolding else { return }
            signal(SIGCONT)
            usleep(2_000)
        }
    }

    package func kill() {
        guard !isReaped else { return }
        isReaped = true
        signal(SIGKILL)
        signal(SIGCONT)
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
    }

    /// The exit code, once it has ended by itself.
    package func exitCode() -> Int32 {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        isReaped = true
        return (status >> 8) & 0xff
    }
}

package struct Failure: Error, CustomStringConvertible {
    package let description: String

    package init(_ call: String, _ number: Int32 = errno) {
        description = "\(call): \(String(cString: strerror(number)))"
    }
}

/// Runs a program of the system to its end; throws when it fails.
package func run(_ command: String...) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    let words = command.map { strdup($0) } + [nil]
    defer { for text in words { free(text) } }
    var process: pid_t = 0
    let result = posix_spawnp(&process, command[0], &actions, nil, words, environ)
    guard result == 0 else { throw Failure(command[0], result) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else { throw Failure("\(command.joined(separator: " ")) ended with \(status >> 8)", 0) }
}
