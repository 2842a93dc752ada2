internal import Glibc

/// Starts a program with exactly these descriptors as 0, 1, … and no other; an environment of its own, not ours.
package func spawn(
    _ command: [String], environment: [String: String], descriptors: [Int32]
) throws(ServerFailure) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, descriptor) in descriptors.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    // What others of this process left open to its children; closing what isn't open is no error here.
    for number in descriptors.count..<256 { posix_spawn_file_actions_addclose(&actions, Int32(number)) }
    // The threads of a pool block signals, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var (none, all) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let words = command.map { strdup($0) } + [nil]
    let settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + settings { free(text) } }
    var process: Int32 = 0
    let result = posix_spawnp(&process, command[0], &actions, &attributes, words, settings)
    guard result == 0 else { throw ServerFailure(call: command[0], result) }
    return process
}

/// The status a process ended with: its exit code, or 128 and the signal.
@discardableResult
package func awaitEnd(of process: Int32) -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
}

/// Two ends of a channel, both closed in every child from the start: `pipe` can't do that in one step.
package func makeChannel() throws(ServerFailure) -> [Int32] {
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw ServerFailure(call: "socketpair") }
    return ends
}

/// Runs a program to its end, and returns its standard output; what it said on standard error stands in the failure.
package func run(
    _ command: [String], environment: [String: String], within limit: Duration
) throws(ServerFailure) -> String {
    let (out, err) = (try makeChannel(), try makeChannel())
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { for end in [nothing, out[0], err[0]] { close(end) } }
    let process: Int32
    do {
        defer { for end in [out[1], err[1]] { close(end) } }
        process = try spawn(command, environment: environment, descriptors: [nothing, out[1], err[1]])
    }
    var heard: [[UInt8]] = [[], []]
    var sources = [pollfd(fd: out[0], events: Int16(POLLIN), revents: 0)]
    sources.append(pollfd(fd: err[0], events: Int16(POLLIN), revents: 0))
    let deadline = ContinuousClock.now + limit
    var isLate = false
    while sources.contains(where: { $0.fd >= 0 }) {
        let left = (deadline - .now) / .milliseconds(1)
        if left <= 0, !isLate {
            isLate = true
            kill(process, SIGKILL)
        }
        _ = poll(&sources, UInt(sources.count), isLate ? 100 : Int32(left) + 1)
        for index in sources.indices where sources[index].fd >= 0 && sources[index].revents != 0 {
            var piece = [UInt8](repeating: 0, count: 1 << 16)
            let got = read(sources[index].fd, &piece, piece.count)
            if got > 0 { heard[index] += piece[..<got] } else { sources[index].fd = -1 }
        }
    }
    let status = awaitEnd(of: process)
    let said = String(decoding: heard[1], as: UTF8.self)
    guard !isLate else { throw ServerFailure("\(command[0]) didn't end within \(limit). \(said)") }
    guard status == 0 else { throw ServerFailure("\(command[0]) ended with \(status). \(said)") }
    return String(decoding: heard[0], as: UTF8.self)
}
