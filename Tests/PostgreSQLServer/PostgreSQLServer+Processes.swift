internal import Glibc

extension PostgreSQLServer {
    /// The process that takes connections; nil when the server isn't running.
    package var postmaster: Int32? {
        guard let text = try? contents(data + "/postmaster.pid"),
            let process = text.split(separator: "\n").first.flatMap({ Int32($0) }), Glibc.kill(process, 0) == 0
        else { return nil }
        return process
    }

    /// All processes of the server, the postmaster first.
    package var processes: [Int32] {
        guard let postmaster else { return [] }
        return [postmaster] + children(of: postmaster)
    }

    /// Stops the postmaster where it stands: sessions go on, a new one gets no answer.
    package func freezePostmaster() {
        if let postmaster { send(SIGSTOP, to: postmaster) }
    }

    /// Stops all of the server where it stands: connected or not, no client gets an answer.
    package func freeze() {
        // A session that was being begun while the others were looked for would go on, and a signal takes its time:
        // until all that there are stand still, the one first that begins them.
        repeat {
            freezePostmaster()
            for process in processes { send(SIGSTOP, to: process) }
            usleep(500)
        } while !processes.allSatisfy(standsStill)
    }

    /// Stops one session where it stands; `backend` is what `pg_backend_pid()` says in it.
    package func freeze(backend: Int32) { send(SIGSTOP, to: backend) }

    /// Lets everything go on that was frozen.
    package func thaw() {
        for process in processes { send(SIGCONT, to: process) }
    }

    /// Kills one session as the kernel would when memory runs out: the server restarts all of them.
    package func kill(backend: Int32) { send(SIGKILL, to: backend) }
}

private func send(_ number: Int32, to process: Int32) { _ = kill(process, number) }

private func children(of parent: Int32) -> [Int32] {
    guard let stream = opendir("/proc") else { return [] }
    defer { closedir(stream) }
    var found: [Int32] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard let process = Int32(name), let text = try? contents("/proc/\(name)/stat") else { continue }
        // The name in parentheses may hold anything; the state and the parent follow the last of them.
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        if fields.count > 2, Int32(fields[2]) == parent { found.append(process) }
    }
    return found
}

/// Stopped by a signal, or gone.
private func standsStill(_ process: Int32) -> Bool {
    guard let status = try? contents("/proc/\(process)/stat"), let name = status.lastIndex(of: ")") else { return true }
    return ["T", "Z", "X"].contains(status[status.index(after: name)...].drop { $0 == " " }.first)
}
