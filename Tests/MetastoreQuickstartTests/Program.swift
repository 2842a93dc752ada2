import Foundation
import Glibc
import Testing

/// The executable that was built beside the tests, as a process of its own.
///
/// It is watched and killed from a thread of its own: the pool's may be busy for seconds.
final class Program: @unchecked Sendable {  // `status` is touched by one thread at a time
    private let folder: TemporaryFolder
    private var process: pid_t = 0
    private var status: Int32?

    /// What a process left behind.
    struct Ending {
        /// The exit code; 128 and the signal when one ended it.
        let code: Int32
        let output: String
        let errors: String
    }

    /// Starts it. Its output goes to files, so that it never waits for a reader.
    init(_ arguments: [String]) throws {
        folder = try TemporaryFolder()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, name) in [(1, "output"), (2, "errors")] {
            let path = folder.path + "/" + name
            posix_spawn_file_actions_addopen(&actions, Int32(descriptor), path, O_WRONLY | O_CREAT, 0o600)
        }
        let path = try Self.path()
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        try #require(posix_spawn(&process, path, &actions, nil, words, environ) == 0)
    }

    deinit {
        guard status == nil else { return }
        send(SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Its process id.
    var id: pid_t { process }

    /// Starts it, waits for its end.
    static func run(_ arguments: [String]) async throws -> Ending {
        let program = try Program(arguments)
        return await program.end()
    }

    func send(_ signal: Int32) { kill(process, signal) }

    /// Waits until it has shown so many lines of progress (or has ended), and some microseconds more; then
    /// sends it a signal.
    func send(_ signal: Int32, afterLines lines: Int, microseconds: Int = 0) async {
        await onThread { [self] in
            while !hasEnded, text("errors").count(where: { $0 == "\n" }) < lines { usleep(500) }
            usleep(UInt32(microseconds))
            if !hasEnded { send(signal) }
        }
    }

    /// Waits until it has shown so many lines of progress; false if it ended before.
    func hasShown(_ lines: Int) async -> Bool {
        await send(0, afterLines: lines)
        return !hasEnded
    }

    /// Waits for its end.
    func end() async -> Ending {
        await onThread { [self] in
            while !hasEnded { usleep(500) }
        }
        let status = status ?? 0
        let signal = status & 0x7f
        return Ending(
            code: signal == 0 ? (status >> 8) & 0xff : 128 + signal, output: text("output"),
            errors: text("errors"))
    }

    private func onThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                body()
                continuation.resume()
            }
        }
    }

    private var hasEnded: Bool {
        if status != nil { return true }
        var found: Int32 = 0
        guard waitpid(process, &found, WNOHANG) == process else { return false }
        status = found
        return true
    }

    private func text(_ name: String) -> String {
        let data = FileManager.default.contents(atPath: folder.path + "/" + name)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    /// Looks beside the test program, and a few folders above it.
    private static func path() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let itself = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        for start in [itself] + CommandLine.arguments.filter({ $0.contains("/") }) {
            var place = URL(filePath: start)
            for _ in 0..<4 {
                place = place.deletingLastPathComponent()
                let program = place.appending(path: "metastore-quickstart").path
                if access(program, X_OK) == 0, !isFolder(program) { return program }
            }
        }
        throw Missing()
    }

    private static func isFolder(_ path: String) -> Bool {
        var found = stat()
        return stat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFDIR
    }

    private struct Missing: Error {}
}
