internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTerminal
internal import MetastoreTestSupport
internal import Testing

/// Everything in an answer belongs together, whatever happens to the store meanwhile.
@Suite(.serialized, .timed) struct `An answer is of one state` {
    private func keys(_ session: InspectSession) throws -> Int {
        var count = 0
        try session.list(RecordQuery(.keyValue), limit: nil)
        _ = try session.inspection.list(RecordQuery(.keyValue)) { _ in
            count += 1
            return true
        }
        return count
    }

    private func head(_ path: String) throws -> Int64 {
        let inspection = try Inspection.open(path: path)
        return try inspection.read { try inspection.store.summary().revision.rawValue }
    }

    @Test func `of a store that is written meanwhile`() async throws {
        try await withScratch { root in
            let master = try CrashProcess("serve")
            #expect(try master.ask("open \(root)/metastore.db").hasPrefix("ok"))
            #expect(try master.ask("put a/1 1").hasPrefix("ok"))
            let session = try InspectSession(
                InspectOptions(root), screen: CommandScreen(.plain, write: { _ in }),
                output: BufferedOutput(.plain) { _ in })
            let first = try session.run { session in
                let before = (try keys(session), try session.inspection.store.summary().revision)
                #expect(try master.ask("put a/2 1").hasPrefix("ok"))
                let after = (try keys(session), try session.inspection.store.summary().revision)
                #expect(before == after)
                return before
            }
            let second = try session.run { (try keys($0), try $0.inspection.store.summary().revision) }
            #expect(second.0 == first.0 + 1 && second.1 > first.1)
        }
    }

    /// It goes back anew for each answer, and stays there during it.
    @Test func `of the past of a store that is written meanwhile`() async throws {
        try await withScratch { root in
            let master = try CrashProcess("serve")
            #expect(try master.ask("open \(root)/metastore.db").hasPrefix("ok"))
            for number in 1...4 { #expect(try master.ask("put a/\(number) 1").hasPrefix("ok")) }
            let head = try head(root)
            let session = try InspectSession(
                InspectOptions(root, at: String(head - 2)), screen: CommandScreen(.plain, write: { _ in }),
                output: BufferedOutput(.plain) { _ in })
            for number in 5...7 {
                try session.run { session in
                    let before = try keys(session)
                    let answer = try master.ask("put a/\(number) 1")
                    let (after, revision) = (try keys(session), try session.inspection.store.summary().revision)
                    #expect(before == 2 && answer.hasPrefix("ok") && after == 2 && revision.rawValue == head - 2)
                }
            }
        }
    }

    /// Two moments of the same store, one of them in the past.
    @Test func `or of two, where two are compared`() async throws {
        try await withScratch { root in
            let master = try CrashProcess("serve")
            #expect(try master.ask("open \(root)/metastore.db").hasPrefix("ok"))
            for number in 1...3 { #expect(try master.ask("put a/\(number) 1").hasPrefix("ok")) }
            let head = try head(root)
            let asked = Asked(InspectOptions(root)) { session in
                #expect(try keys(session) == 3)
                #expect(try master.ask("put a/4 1").hasPrefix("ok"))
                return try session.diff(with: root, at: String(head - 1))
            }
            #expect(asked.status == .no, asked.reason)
            #expect(asked.output.contains("a/3") && !asked.output.contains("a/4"), "\(asked.output)")
        }
    }

    @Test func `or there is none, where files at rest were changed`() async throws {
        try await withScratch { root in
            try await SmallStore.make(root + "/metastore.db")
            let asked = Asked(InspectOptions(root)) { session in
                #expect(try keys(session) > 0)
                let master = try CrashProcess("serve")
                #expect(try master.ask("open \(root)/metastore.db").hasPrefix("ok"))
                #expect(try master.ask("put a/3 1").hasPrefix("ok"))
                return .success
            }
            #expect(asked.status == .tryLater)
            #expect(asked.failure?.description.contains("was changed while it was read") == true)
        }
    }

    #if PostgreSQL
        /// The same store on both engines: a server's answers are those of its copy in a file.
        @Test func `and a server's is its copy's, also of the past`() async throws {
            try await withScratch { root in
                let server = try TestEngine.postgresql.source(in: root)
                defer { TestEngine.postgresql.remove(from: root) }
                let place = try TestEngine.postgresql.place(in: root)
                let path = root + "/copy.db"
                try await RandomHistory.make(in: server, commits: 120, name: "both engines")
                _ = try await StoreCopy(from: server, to: .sqlite(path)).run()
                let head = try head(path)
                var random = Seeded("moments on both engines")
                let moments = (0..<Seeded.count(100, least: 4)).map { _ in Int64.random(in: 1..<head, using: &random) }
                for moment in [nil] + moments.map(String.init) {
                    func answer(_ store: String) -> Asked {
                        Asked(InspectOptions(store, at: moment)) { session in
                            try session.export([])
                            try session.log(after: nil, kinds: .all, under: nil, limit: nil)
                            return moment == nil ? try session.check(.full) : .success
                        }
                    }
                    let (file, rows) = (answer(path), answer(place))
                    #expect(file.status == .success && rows.status == .success, "\(file.reason) \(rows.reason)")
                    // Compared before: what differs is shown, and not all there is.
                    let (found, expected) = (lines(rows), lines(file))
                    let differing = zip(found, expected).first { $0 != $1 }
                    #expect(differing == nil && found.count == expected.count, "\(moment ?? "now")")
                }
            }
        }

        /// What tells the places apart, and nothing else, is left out.
        private func lines(_ asked: Asked) -> [Substring] {
            asked.output.utf8.split(separator: UInt8(ascii: "\n")).map(Substring.init).filter {
                !$0.prefix(300).contains("\"verdict\":")
            }
        }

        /// A statement that fails ends a server's transaction: the next answer has one of its own.
        @Test func `and a server goes on after a mistake`() async throws {
            try await withScratch { root in
                let server = try TestEngine.postgresql.source(in: root)
                defer { TestEngine.postgresql.remove(from: root) }
                try await FullStore.make(in: server)
                let place = try TestEngine.postgresql.place(in: root)
                let session = try InspectSession(
                    InspectOptions(place), screen: CommandScreen(.plain, write: { _ in }),
                    output: BufferedOutput(.plain) { _ in })
                let before = try session.run { try keys($0) }
                for statement in ["SELECT * FROM nothing", "SELEC", "DELETE FROM experiments"] {
                    #expect(throws: (any Error).self) { try session.sql(statement) }
                    #expect(try session.run { try keys($0) } == before)
                }
            }
        }
    #endif
}
