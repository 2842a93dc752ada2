#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Glibc
    internal import Metastore
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        @Suite(.serialized, .timed) struct `Processes that write to one database at once` {
            @Test(arguments: [2, 4])
            func `lose nothing and repeat nothing, through rollbacks, sleeps and kills`(_ count: Int) async throws {
                let wanted = Scale.of(100_000)
                var random = Scale.random(UInt64(count))
                // Nothing here stops the server: flushes would only cost time.
                let server = try PostgreSQLServer(.answersOnly)
                let url = server.url(try server.makeDatabase())
                let store = try await Metastore.open(.place(url))
                let follower = try await Follower(store)
                let naive = Task { try await Naive(server).run(events: max(4_000, wanted / 10)) }
                let file = try Acknowledgements()
                var seeds = UInt64(0)
                func another() throws -> CrashProcess {
                    seeds += 1
                    let process = try CrashProcess("contend", url, file.path, "\(seeds)")
                    // Most are open before they are killed: on a busy machine nobody would write otherwise.
                    if seeds % 4 != 0 {
                        let said = try process.line()
                        #expect(said == "open")
                    }
                    return process
                }
                let began = ContinuousClock.now
                var processes = try (0..<count).map { _ in try another() }
                var longest = Duration.zero
                var (kills, seen, moved) = (0, Revision.absent, ContinuousClock.now)
                while follower.last.rawValue < wanted, follower.failure == nil {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 100...700, using: &random)))
                    let victim = Int.random(in: 0..<count, using: &random)
                    processes[victim].kill()
                    kills += 1
                    let said = try processes[victim].rest()
                    #expect(said.allSatisfy { $0 == "open" }, "\(said)")
                    processes[victim] = try another()
                    if follower.last > seen {
                        longest = max(longest, moved.duration(to: .now))
                        (seen, moved) = (follower.last, .now)
                    }
                    try #require(moved.duration(to: .now) < .seconds(60), "nobody writes any more")
                }
                for process in processes { process.kill() }
                let time = ContinuousClock.now - began
                #expect(try await follower.catchUp(store), "\(String(describing: follower.failure))")
                #expect(follower.gaps.isEmpty, "\(follower.gaps.prefix(5))")
                let (written, rolledBack) = try file.compare(with: follower.keys)
                let report = try await store.verify()
                #expect(report.isClean, "\(report)")
                #expect(report.revision == follower.last)
                let (events, missed) = try await naive.value
                // The same reading by a sequence must fail here, else this test proves nothing.
                #expect(missed > 0)
                print(
                    """
                    \(count) processes: \(follower.last.rawValue) revisions in \(time.inSeconds) s, \(written) \
                    acknowledged, \(rolledBack) rolled back, \(kills) kills, none lost, never longer than \
                    \(longest.inSeconds) s without one; the naive reader missed \
                    \(missed) of \(events)
                    """)
                await store.close()
            }
        }
    }

    /// What processes that were killed had been answered.
    private struct Acknowledgements: ~Copyable {
        let path: String

        init() throws {
            var template = Array("/tmp/metastore-acks-XXXXXX".utf8CString)
            let descriptor = mkstemp(&template)
            guard descriptor >= 0 else { throw Failure("mkstemp") }
            close(descriptor)
            path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }

        deinit { unlink(path) }

        /// Everything acknowledged was seen, at the revision that was answered, and nothing that was rolled back.
        func compare(with seen: [String: Revision]) throws -> (written: Int, rolledBack: Int) {
            var (written, rolledBack, wrong): (Int, Int, [String]) = (0, 0, [])
            for line in try contents().split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count >= 2 else { continue }
                let found = seen["kv/\(words[1])"]
                if words[0] == "ack", words.count == 3 {
                    written += 1
                    if found?.rawValue != Int64(words[2]) { wrong.append("\(line), but seen at \(found as Any)") }
                } else if words[0] == "back" {
                    rolledBack += 1
                    if found != nil { wrong.append(String(line)) }
                }
            }
            #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(5))")
            #expect(written > 0 && rolledBack > 0)
            return (written, rolledBack)
        }

        private func contents() throws -> String {
            guard let file = fopen(path, "r") else { throw Failure("fopen") }
            defer { fclose(file) }
            var (bytes, piece): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 1 << 16))
            while true {
                let got = fread(&piece, 1, piece.count, file)
                if got == 0 { return String(decoding: bytes, as: UTF8.self) }
                bytes += piece[..<got]
            }
        }
    }

    /// What many do: events numbered by a sequence, and a reader that asks for those after the last it has seen.
    private struct Naive {
        let connection: String
        private static let writers = 4

        init(_ server: PostgreSQLServer) throws {
            connection = server.connection(to: try server.makeDatabase())
            try psql(
                connection,
                """
                CREATE TABLE events (id bigserial PRIMARY KEY); CREATE TABLE seen (id bigint PRIMARY KEY);
                CREATE TABLE finished (id bigserial PRIMARY KEY);
                CREATE PROCEDURE write_events(count int) LANGUAGE plpgsql AS $$ BEGIN
                  FOR i IN 1..count LOOP
                    INSERT INTO events DEFAULT VALUES;
                    -- Now and then long enough that the others and the reader pass on any machine.
                    PERFORM pg_sleep(CASE WHEN i % 100 = 0 THEN 0.05 ELSE random() * 0.002 END);
                    COMMIT;
                  END LOOP;
                  INSERT INTO finished DEFAULT VALUES; END $$;
                CREATE PROCEDURE read_events(writers int) LANGUAGE plpgsql AS $$
                DECLARE last bigint := 0; is_last boolean := false; BEGIN
                  WHILE NOT is_last LOOP
                    is_last := (SELECT count(*) >= writers FROM finished);
                    INSERT INTO seen SELECT id FROM events WHERE id > last;
                    last := coalesce((SELECT max(id) FROM seen), 0);
                    COMMIT;
                    PERFORM pg_sleep(0.001);
                  END LOOP; END $$
                """)
        }

        func run(events: Int) async throws -> (events: Int, missed: Int) {
            let each = events / Self.writers
            let statements =
                (0..<Self.writers).map { _ in "CALL write_events(\(each))" } + ["CALL read_events(\(Self.writers))"]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for statement in statements {
                    group.addTask { [connection] in
                        _ = try await blocking { try psql(connection, statement, within: .seconds(1_200)) }
                    }
                }
                try await group.waitForAll()
            }
            let missed = try psql(
                connection, "SELECT count(*) FROM events LEFT JOIN seen USING (id) WHERE seen.id IS NULL")
            return (each * Self.writers, Int(missed) ?? 0)
        }
    }
#endif
