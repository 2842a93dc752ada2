#if PostgreSQL
    internal import Dispatch
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreEngine
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Synchronization
    internal import Testing

    /// Everything here runs one after another: the suites measure moments, stop servers and start processes.
    @Suite(.serialized) struct ServerFaults {}

    /// Runs what blocks on a thread of its own, so that tasks go on.
    func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Polls until the condition holds; false when it doesn't within `patience`.
    func eventually(
        within patience: Duration = .seconds(20), _ condition: () async throws -> Bool
    ) async rethrows -> Bool {
        let end = ContinuousClock.now + patience
        while true {
            if try await condition() { return true }
            // Once more: a busy machine may have stopped everything in between.
            guard ContinuousClock.now < end else { return try await condition() }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    extension PostgreSQLServer {
        /// As a URL: it has no blanks, and goes through the lines that steer a process.
        func url(_ database: String = "postgres", over way: Way = .socket) -> String {
            Self.url([self], database, over: way)
        }

        static func url(_ servers: [PostgreSQLServer], _ database: String = "postgres", over way: Way = .socket)
            -> String
        {
            let hosts = servers.map { way == .socket ? $0.socketFolder : "127.0.0.1" }.joined(separator: ",")
            let ports = servers.map { "\($0.port)" }.joined(separator: ",")
            return "postgresql://\(user)@/\(database)?host=\(hosts)&port=\(ports)"
        }
    }

    extension StoreOptions {
        /// The defaults, with this bound on every call.
        static func bound(_ bound: Duration) -> StoreOptions {
            var options = StoreOptions()
            options.engine.callTimeout = bound
            return options
        }
    }

    /// Follows a store from its beginning, and goes on where it stood when the server couldn't be reached.
    final class Follower: Sendable {
        private struct State {
            /// The first revision tells of the schema only, and has no changes.
            var last = Revision(1)
            var gaps: [String] = []
            var keys: [String: Revision] = [:]
            var interruptions = 0
            var failure: (any Error)?
        }

        private let state = Mutex(State())
        private let task: Mutex<Task<Void, Never>?> = Mutex(nil)

        init(_ store: Metastore) async throws {
            var position = try await store.position(at: Revision(1))
            let running = Task { [weak self] in
                while !Task.isCancelled {
                    do {
                        for try await batch in store.changes(after: position).batches {
                            guard let self else { return }
                            take(batch)
                            position = batch.position
                        }
                    } catch let error as StoreError where error.label == "unavailable" {
                        self?.state.withLock { $0.interruptions += 1 }
                    } catch {
                        if !Task.isCancelled { self?.state.withLock { $0.failure = error } }
                        return
                    }
                }
            }
            task.withLock { $0 = running }
        }

        deinit { stop() }

        func stop() { task.withLock { $0?.cancel() } }

        private func take(_ batch: ChangeBatch) {
            state.withLock { state in
                for commit in batch.commits {
                    if commit.revision.rawValue != state.last.rawValue + 1 {
                        state.gaps.append("\(commit.revision.rawValue) after \(state.last.rawValue)")
                    }
                    state.last = commit.revision
                    for change in commit.changes where change.operation != .deleted {
                        state.keys[change.key.path] = commit.revision
                    }
                }
            }
        }

        var last: Revision { state.withLock { $0.last } }
        var gaps: [String] { state.withLock { $0.gaps } }
        /// The last revision of every record seen.
        var keys: [String: Revision] { state.withLock { $0.keys } }
        var interruptions: Int { state.withLock { $0.interruptions } }
        var failure: (any Error)? { state.withLock { $0.failure } }

        /// Waits until it has seen what is in the store; false when it doesn't get there.
        func catchUp(_ store: Metastore) async throws -> Bool {
            try await eventually {
                // A busy machine may keep the server from answering within the bound.
                guard let head = try? await store.info().revision else { return false }
                guard last == head else { return failure != nil }
                // A session whose client was killed may still be about to commit.
                try await Task.sleep(for: .milliseconds(300))
                return (try? await store.info().revision) == last
            } && failure == nil
        }
    }
#endif
