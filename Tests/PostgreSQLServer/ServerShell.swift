// Invariants
// 1. Whatever runs as the server's user is started by this shell, in the shell's folder or in `data` below it.
// 2. The shell reads a socket whose other end only this process has. When that end closes, however this process ended,
//    everything whose working directory is one of the two is stopped, and the folder is removed.

internal import Glibc
internal import Synchronization

/// A shell that runs as the server's user, one command at a time, in a scratch folder of its own.
final class ServerShell: Sendable {
    /// Belongs to the server's user, who alone can enter it; gone with the shell.
    let folder: String
    private let process: pid_t
    private let channel: Mutex<Int32>

    /// - Parameter onDisk: where flushes cost what they cost on a disk; else in memory, where there is a file system
    ///   for that.
    init(onDisk: Bool) throws(ServerFailure) {
        let user = try Installation.serverUser()
        let parent = !onDisk && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/metastore-pg-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw ServerFailure(call: "mkdtemp") }
        folder = String(cString: made)
        let ends = try makeChannel()
        let nothing = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { for end in [ends[1], nothing] { close(end) } }
        // In a session of its own: an interrupt typed at the tests doesn't reach it.
        var command = ["setsid", "/bin/sh", "-c", Self.script, "metastore-pg", folder]
        if let user {
            guard chown(folder, user.id, user.group) == 0 else { throw ServerFailure(call: "chown") }
            command.insert(
                contentsOf: ["setpriv", "--reuid=\(user.id)", "--regid=\(user.group)", "--clear-groups"], at: 0)
        }
        let environment = ["PATH": Installation.searchPath, "HOME": folder, "LC_ALL": "C"]
        process = try spawn(
            command, environment: environment, descriptors: [ends[1], ends[1], nothing])
        channel = Mutex(ends[0])
    }

    deinit {
        channel.withLock { _ = close($0) }
        awaitEnd(of: process)
    }

    /// Runs a line of shell and returns what it said; throws when it fails.
    @discardableResult
    func run(_ line: String, within limit: Duration = .seconds(90)) throws(ServerFailure) -> String {
        precondition(!line.contains("\n"), "a command is one line")
        let status = try channel.withLock { channel throws(ServerFailure) in
            let bytes = Array((line + "\n").utf8)
            guard send(channel, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
                throw ServerFailure(call: "send")
            }
            return try Self.answer(channel, to: line, within: limit)
        }
        let said = (try? contents(folder + "/said")) ?? ""
        guard status == "0" else { throw ServerFailure("\(line)\nended with \(status): \(said)") }
        return said
    }

    /// Reads one line.
    private static func answer(
        _ channel: Int32, to line: String, within limit: Duration
    ) throws(ServerFailure) -> String {
        let deadline = ContinuousClock.now + limit
        var text: [UInt8] = []
        while text.last != UInt8(ascii: "\n") {
            let left = (deadline - .now) / .milliseconds(1)
            guard left > 0 else { throw ServerFailure("no answer within \(limit): \(line)") }
            var source = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
            guard poll(&source, 1, Int32(left) + 1) > 0 else { continue }
            var byte: UInt8 = 0
            guard read(channel, &byte, 1) == 1 else { throw ServerFailure("the shell ended at: \(line)") }
            text.append(byte)
        }
        return String(decoding: text.dropLast(), as: UTF8.self)
    }

    /// Puts a file where the server's user can read it.
    func write(_ text: String, to name: String) throws(ServerFailure) {
        let path = folder + "/" + name
        guard let file = fopen(path, "w") else { throw ServerFailure(call: path) }
        defer { fclose(file) }
        guard fputs(text, file) >= 0, fflush(file) == 0, chmod(path, 0o644) == 0 else {
            throw ServerFailure(call: path)
        }
    }

    private static let script = """
        cd / && umask 077 && folder=$1
        while IFS= read -r line; do
            (eval "$line") </dev/null >"$folder/said" 2>&1
            echo $?
        done
        ours() {
            for entry in /proc/[0-9]*; do
                if [ "$entry/cwd" -ef "$folder" ] || [ "$entry/cwd" -ef "$folder/data" ]; then
                    echo "${entry#/proc/}"
                fi
            done
        }
        found=$(ours)
        [ -z "$found" ] || kill -CONT $found
        if read -r server <"$folder/data/postmaster.pid"; then kill -QUIT "$server"; else kill -TERM $found; fi
        round=0
        while [ -n "$(ours)" ] && [ $round -lt 60 ]; do sleep 0.1; round=$((round + 1)); done
        found=$(ours)
        [ -z "$found" ] || kill -KILL $found
        rm -rf "$folder"
        """
}

/// A word for a shell.
func quoted(_ text: String) -> String { "'" + text.replacing("'", with: #"'\''"#) + "'" }

func contents(_ path: String) throws(ServerFailure) -> String {
    guard let file = fopen(path, "r") else { throw ServerFailure(call: path) }
    defer { fclose(file) }
    var (bytes, piece): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 1 << 16))
    while true {
        let got = fread(&piece, 1, piece.count, file)
        if got == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += piece[..<got]
    }
}
