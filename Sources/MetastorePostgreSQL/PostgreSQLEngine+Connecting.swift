#if PostgreSQL
    internal import CPostgreSQL
    internal import Glibc
    internal import MetastoreEngine
    internal import Synchronization

    extension PostgreSQLEngine {
        enum Purpose {
            case writer, reader
            /// Tells other processes of commits, and hears of theirs.
            case notices
        }

        /// A connection that is ready for use. Tries again, within the bound of a call, while the server starts or
        /// takes no more connections: nothing was done then.
        func connect(_ purpose: Purpose) throws(EngineError) -> PostgreSQLConnection {
            let deadline = ContinuousClock.now + options.callTimeout
            var pause = PostgreSQLLimits.firstPause
            while true {
                do {
                    return try attempt(purpose, until: deadline)
                } catch {
                    guard error.code == .unreachable || error.code == .disconnected,
                        ContinuousClock.now + pause < deadline
                    else { throw error }
                }
                usleep(UInt32(pause / .microseconds(1)))
                pause = min(pause * 2, PostgreSQLLimits.lastPause)
            }
        }

        private func attempt(
            _ purpose: Purpose, until deadline: ContinuousClock.Instant
        ) throws(EngineError) -> PostgreSQLConnection {
            let secret = try password.map { provider throws(EngineError) in
                try PasswordRequest.ask(provider, until: deadline)
            }
            // A reader goes where the writer is, and looks further only when that is gone.
            if purpose != .writer, !isReadOnly, let host = state.withLock({ $0.host }), string.hosts.count > 1 {
                do {
                    return try choose([host], purpose, secret, deadline)
                } catch {
                    guard error.code == .unreachable || error.code == .readOnly else { throw error }
                }
            }
            return try choose(string.hosts, purpose, secret, deadline)
        }

        private struct Candidate {
            let connection: PostgreSQLConnection
            let server: Server
        }

        /// Asks all of them, and takes the best: a primary on the newest timeline.
        private func choose(
            _ hosts: [Host], _ purpose: Purpose, _ secret: String?, _ deadline: ContinuousClock.Instant
        ) throws(EngineError) -> PostgreSQLConnection {
            var candidates: [Candidate] = []
            var failures: [EngineError] = []
            for outcome in try dial(hosts, purpose, secret, deadline) {
                do {
                    candidates.append(try setUp(outcome, purpose))
                } catch {
                    failures.append(error)
                }
            }
            let sorted = candidates.sorted { rank($0.server) > rank($1.server) }
            var chosen: PostgreSQLConnection?
            for candidate in sorted {
                if chosen == nil {
                    do {
                        try accept(candidate.server, purpose)
                        chosen = candidate.connection
                        confirmEachTransaction(candidate)
                        continue
                    } catch {
                        failures.append(error)
                    }
                }
                candidate.connection.close()
            }
            if let chosen { return chosen }
            // The most telling: what waiting doesn't mend.
            if let lasting = failures.first(where: { $0.code != .unreachable && $0.code != .readOnly }) {
                throw lasting
            }
            guard let standby = failures.first(where: { $0.code == .readOnly }) else { throw failures[0] }
            // Where a primary was, or may be, one of the standbys is about to take over.
            guard string.hosts.count > 1 || state.withLock({ $0.host }) != nil else { throw standby }
            throw EngineError(.unreachable, operation: standby.operation, message: standby.message)
        }

        private func rank(_ server: Server) -> Int64 {
            let wantsStandby = isReadOnly && ["standby", "prefer-standby", "read-only"].contains(string.attributes)
            if server.isStandby { return wantsStandby ? .max : -1 }
            return Int64(server.timeline ?? 0)
        }

        private func accept(_ server: Server, _ purpose: Purpose) throws(EngineError) {
            let wanted = string.attributes
            let asksForStandby = ["standby", "prefer-standby", "read-only"].contains(wanted)
            if server.isStandby, !isReadOnly || (string.hosts.count > 1 && !asksForStandby) {
                throw EngineError(
                    .readOnly, operation: "connect",
                    message: "\(server.host.description) is a standby: it takes no writes, and what it answers may be "
                        + "older than what was committed. Connect to the primary, or name all servers")
            }
            if !server.isStandby, ["standby", "read-only"].contains(wanted) {
                throw EngineError(
                    .unreachable, operation: "connect",
                    message: "\(server.host.description) is a primary, and target_session_attrs asks for a standby")
            }
            try state.withLock { state throws(EngineError) in
                try state.lineage.follow(server)
                state.isPooled = server.isPooled
                if purpose == .writer { state.host = server.host }
            }
        }

        private func confirmEachTransaction(_ candidate: Candidate) {
            guard candidate.server.isPooled, candidate.server.system != nil, candidate.server.timeline != nil else {
                return
            }
            candidate.connection.confirmServer = { [weak self] (system, timeline) throws(EngineError) in
                var server = candidate.server
                (server.system, server.timeline) = (system, timeline)
                try self?.state.withLock { state throws(EngineError) in try state.lineage.follow(server) }
            }
        }

        private enum Dialled {
            case link(Link, Host)
            case failed(EngineError)
        }

        /// Connects to all of them at once.
        private func dial(
            _ hosts: [Host], _ purpose: Purpose, _ secret: String?, _ deadline: ContinuousClock.Instant
        ) throws(EngineError) -> [Dialled] {
            guard getenv("PGSERVICE") == nil else {
                throw EngineError(
                    .unsupported, operation: "connect",
                    message: "the environment names a service (PGSERVICE), which libpq looks up before it connects and "
                        + "can't be told not to. Unset the variable; the connection string alone says where the store "
                        + "is")
            }
            let signal = try Signal()
            let seconds = max(1, Int(options.callTimeout / .seconds(1)))
            let dials = hosts.map { host in
                let text = string.complete(
                    for: host, password: secret, bound: options.callTimeout,
                    keepalive: purpose == .notices ? (1, 1, 2) : (seconds, 1, 3))
                return Dial(host, text, until: deadline, signal)
            }
            var ended: [Dialled?] = dials.map { _ in nil }
            var end = deadline
            while true {
                for index in dials.indices where ended[index] == nil {
                    switch dials[index].take() {
                    case .pending, .abandoned: continue
                    case .failed(let error): ended[index] = .failed(error)
                    case .connected(let handed):
                        do {
                            ended[index] = .link(
                                try Link(handed.pointer, bound: options.callTimeout), dials[index].host)
                            end = min(end, .now + PostgreSQLLimits.otherHosts)
                        } catch {
                            ended[index] = .failed(error)
                        }
                    }
                }
                guard ended.contains(where: { $0 == nil }), signal.wait(until: end) else { break }
            }
            return dials.indices.map { index in
                if let found = ended[index] { return found }
                dials[index].abandon()
                return .failed(dials[index].late)
            }
        }

        private func setUp(_ dialled: Dialled, _ purpose: Purpose) throws(EngineError) -> Candidate {
            switch dialled {
            case .failed(let error): throw error
            case .link(let link, let host):
                let settings = SessionSettings(schema: schema, isWriter: purpose != .reader, options: options)
                let connection = PostgreSQLConnection(
                    link, settings, capacity: options.statementCacheCapacity)
                do {
                    return Candidate(connection: connection, server: try connection.setUp(host))
                } catch {
                    connection.close()
                    throw error
                }
            }
        }
    }
#endif
