internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

extension Faults {
    /// Each is refused with words for the one who has to act, and stays as it is, byte for byte.
    @Suite(.serialized, .timed) struct `A file that is not what it should be` {
        let place: Place
        init() throws { place = try Place() }

        /// Twice, because the first refusal must not change what the second one finds.
        private func expectRefusal(
            _ label: String, saying words: String..., to path: String? = nil,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let before = try place.files()
            for options in [StoreOptions(), StoreOptions(), adopting] {
                guard let error = await refusal(.sqlite(path ?? place.path), options, sourceLocation: sourceLocation)
                else { return }
                #expect(error.label == label, "\(error)", sourceLocation: sourceLocation)
                for word in words {
                    #expect("\(error)".contains(word), "\(error)", sourceLocation: sourceLocation)
                }
                #expect(try place.isUnchanged(since: before), sourceLocation: sourceLocation)
            }
        }

        private func sql(_ text: String) throws { try run("sqlite3", place.path, text) }

        private func damage(_ change: (inout [UInt8]) -> Void) throws {
            var bytes = try contents(place.path)
            change(&bytes)
            try write(bytes, to: place.path)
        }

        @Test func `a newer schema is refused, and says that the data is intact`() async throws {
            try await place.fill()
            try sql(
                """
                INSERT INTO schema_migrations SELECT 999, 'later', checksum, 'metastore 9.1', host, applied_time,
                0, NULL
                FROM schema_migrations WHERE number = 1;
                UPDATE head SET schema_version = 999, min_writer = 999, min_reader = 999;
                """)
            try await expectRefusal("schema", saying: "data is intact", "do not delete it", "metastore 9.1")
            let error = await refusal(.sqlite(place.path), readOnly)
            #expect(error?.label == "schema")
            // One that only added something says so, and is read.
            try sql("UPDATE head SET min_reader = 1")
            try await expectRefusal("schema", saying: "data is intact")
            let store = try await Metastore.open(.sqlite(place.path), readOnly)
            #expect(try await store.info().schema == 999)
            await store.close()
        }

        @Test func `no database, an empty file, a damaged header, a cut file`() async throws {
            try write(Array("name: mnist\n".utf8), to: place.path)
            try await expectRefusal("unusable", saying: "not an SQLite database", "Don't delete")
            try write([], to: place.path)
            try await expectRefusal("unusable", saying: "0 bytes", "Restore a backup")
            unlink(place.path)
            try await place.fill()
            let whole = try contents(place.path)
            try damage { $0[17] = 0x11 }
            try await expectRefusal("damaged", saying: "page size", "Don't delete")
            try write(whole, to: place.path)
            try damage { $0[0] = 0 }
            try await expectRefusal("unusable", saying: "Don't delete")
            try write(Array(whole[..<(whole.count / 2)]), to: place.path)
            try await expectRefusal("damaged", saying: "cut short", "restore a backup")
            try write(whole, to: place.path)
            let store = try await Metastore.open(.sqlite(place.path))
            #expect(try await store.verify().findings == [])
            await store.close()
        }

        @Test func `another program's database`() async throws {
            try sql("CREATE TABLE things (id INTEGER PRIMARY KEY); INSERT INTO things VALUES (1)")
            try await expectRefusal("unusable", saying: "not a Metastore store", "Don't delete")
        }

        /// Whatever byte is flipped: a typed error, or a store whose verification tells, or one that is right.
        @Test func `flipped bytes in the middle are told or change nothing`() async throws {
            let answered = try await place.fill(40)
            let whole = try contents(place.path)
            var random = Scale.random(3)
            var found: [String: Int] = [:]
            for _ in 0..<Scale.of(400) {
                let offset = Int.random(in: 100..<whole.count, using: &random)
                let mask = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
                for name in try place.names() where name != "metastore.db" { unlink(place.store + "/" + name) }
                try write(whole, to: place.path)
                try damage { $0[offset] ^= mask }
                let outcome = try await whatIsTold(answered, "byte \(offset)")
                found[outcome, default: 0] += 1
            }
            print("flipped bytes: \(found.inWords)")
            let told: Set = ["nothing changed", "verified", "damaged", "schema", "unusable", "writeAheadLogMissing"]
            #expect(told.isSuperset(of: found.keys))
        }

        private func whatIsTold(_ answered: [(Request, Answer)], _ comment: Comment) async throws -> String {
            do {
                let store = try await Metastore.open(.sqlite(place.path))
                do {
                    let faults = try await store.verify().findings
                    if faults.isEmpty { try await expect(answered, in: store, comment) }
                    await store.close()
                    return faults.isEmpty ? "nothing changed" : "verified"
                } catch {
                    await store.close()
                    throw error
                }
            } catch let error as StoreError {
                if case .engine = error { Issue.record("\(comment): \(error)") }
                return error.label
            }
        }

        private func expect(_ answered: [(Request, Answer)], in store: Metastore, _ comment: Comment) async throws {
            for (request, answer) in answered {
                let mark = try await store.keyValue.get(EntryKey("marks/\(request.name)"))?.text
                #expect(mark == answer.description, comment)
            }
        }
    }

    @Suite(.serialized, .timed) struct `A history that was cut` {
        let place: Place
        init() throws { place = try Place() }

        /// A store killed with commits in its write-ahead log; returns the position of the last.
        private func crash() async throws -> Position {
            try await place.fill()
            let process = try CrashProcess("serve")
            try process.ask("open \(place.path)")
            #expect(try process.ask("put a/lost 1").hasPrefix("ok"))
            let position = try process.ask("position").dropFirst(3)
            process.kill()
            return try #require(Position(String(position)))
        }

        @Test func `a database copied without its log is refused each time, also after a look`() async throws {
            _ = try await crash()
            let log = try contents(place.path + "-wal")
            for suffix in ["-wal", "-shm", ".head"] { unlink(place.path + suffix) }
            let copy = try contents(place.path)
            for round in 0..<3 {
                let error = await refusal(.sqlite(place.path))
                #expect(
                    error == .writeAheadLogMissing(place: place.path), "round \(round): \(String(describing: error))")
                #expect(error?.description.contains("Look for \(place.path)-wal") == true)
                #expect(try contents(place.path) == copy)
                let looking = try await Metastore.open(.sqlite(place.path), readOnly)
                #expect(try await looking.keyValue.get("a/lost") == nil)
                await looking.close()
            }
            // Found after all: nothing is lost.
            unlink(place.path + "-shm")
            try write(log, to: place.path + "-wal")
            let store = try await Metastore.open(.sqlite(place.path))
            #expect(try await store.number("a/lost") == 1)
            #expect(try await store.verify().findings == [])
            await store.close()
        }

        @Test func `without its log, adopted, it goes on in a new epoch that forks from the old`() async throws {
            let lost = try await crash()
            for suffix in ["-wal", "-shm", ".head"] { unlink(place.path + suffix) }
            let store = try await Metastore.open(.sqlite(place.path), adopting)
            try await expectFork(store, lost)
            await store.close()
        }

        /// Right after opening and right after the log was emptied the main file has everything: no false alarm.
        @Test func `a kill right after opening is no cut`() async throws {
            try await place.fill()
            for _ in 0..<3 {
                let process = try CrashProcess("serve")
                #expect(try process.ask("open \(place.path)").hasPrefix("ok"))
                process.kill()
            }
            let process = try CrashProcess("serve")
            #expect(try process.ask("open \(place.path)").hasPrefix("ok"))
            #expect(try process.ask("put a/b 1").hasPrefix("ok"))
        }

        @Test func `an older copy is refused while the note is ahead of it`() async throws {
            try await place.fill()
            let older = try contents(place.path)
            let before = try await position()
            try await place.fill()
            let lost = try await position()
            try write(older, to: place.path)
            let files = try place.files()
            for _ in 0..<2 {
                let error = await refusal(.sqlite(place.path))
                #expect(error == .historyCut(expected: lost.revision, found: before.revision))
                #expect(error?.description.contains("adopt") == true)
                #expect(try place.isUnchanged(since: files))
            }
            let looking = try await Metastore.open(.sqlite(place.path), readOnly)
            #expect(try await looking.info().revision == before.revision)
            await looking.close()
            let store = try await Metastore.open(.sqlite(place.path), adopting)
            try await expectFork(store, lost)
            // What was read before the cut is still of this history.
            var feed = store.changes(after: before).makeAsyncIterator()
            #expect(try await feed.next()?.revision.rawValue == before.revision.rawValue + 1)
            await store.close()
        }

        @Test func `adopted and killed at once it is not refused again`() async throws {
            try await place.fill()
            let older = try contents(place.path)
            try await place.fill()
            try write(older, to: place.path)
            let process = try CrashProcess("serve")
            #expect(try process.ask("open \(place.path) adopt").hasPrefix("ok"))
            process.kill()
            let store = try await Metastore.open(.sqlite(place.path))
            #expect(try await store.info().epoch.number == 2)
            await store.close()
        }

        private func position() async throws -> Position {
            let store = try await Metastore.open(.sqlite(place.path), readOnly)
            await store.close()
            return store.position
        }

        private func expectFork(_ store: Metastore, _ lost: Position) async throws {
            let info = try await store.info()
            #expect(info.epoch.number == 2)
            // The new history grows over the revisions of the lost one.
            for number in 0..<20 { try await store.keyValue.put("a/new", "\(number)") }
            var feed = store.changes(after: lost).makeAsyncIterator()
            do {
                _ = try await feed.next()
                Issue.record("the feed went on from a lost position")
            } catch let error as StoreError {
                guard case .forked(let common) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(common.revision == info.revision)
                var rest = store.changes(after: common).makeAsyncIterator()
                #expect(try await rest.next()?.revision.rawValue == info.revision.rawValue + 1)
            }
            #expect(try await store.verify().findings == [])
        }
    }
}
