#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreEngine
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        @Suite(.serialized, .timed) struct `When a standby takes over` {
            @Test func `a synchronous one has everything, and the old primary is refused`() async throws {
                let times = 5
                var words: [String] = []
                for _ in 0..<times { words.append(try await failOver()) }
                print("\(times) failovers: \(words.joined(separator: "; "))")
            }

            private func failOver() async throws -> String {
                let primary = try await blocking { try PostgreSQLServer() }
                let standby = try await blocking {
                    let standby = try primary.makeStandby()
                    try primary.awaitStandby("standby")
                    return standby
                }
                let url = PostgreSQLServer.url([primary, standby])
                let store = try await Metastore.open(.place(url), .bound(.seconds(2)))
                let other = try await Metastore.open(.place(url), .bound(.seconds(2)))
                let follower = try await Follower(other)
                let load = Requests()
                let running = load.start(on: [store, other], writers: 4)
                try await Task.sleep(for: .milliseconds(500))
                let before = load.answers.count
                let began = ContinuousClock.now
                try await blocking {
                    try primary.stop(.immediate)
                    try standby.promote()
                    // It waits for nobody, whatever the old primary's settings said that came with the copy.
                    try standby.awaitStandby(nil)
                }
                #expect(await eventually { load.answers.count > before + 20 })
                let time = ContinuousClock.now - began
                load.stop()
                await running.value
                try await load.verify(store)
                #expect(try await follower.catchUp(store), "\(String(describing: follower.failure))")
                #expect(follower.gaps.isEmpty, "\(follower.gaps)")
                load.compare(with: follower.keys)

                // The old primary comes back, and the new one is away: nobody may write there.
                try await blocking {
                    try primary.start()
                    try primary.awaitStandby(nil)
                    try standby.stop(.fast)
                }
                for _ in 0..<2 {
                    let refused = await refusal { try await store.keyValue.put("a/ghost", "x") }
                    #expect(["unusable", "unavailable"].contains(refused?.label), "\(refused as Any)")
                    let read = await refusal { _ = try await store.keyValue.get("a/ghost") }
                    #expect(["unusable", "unavailable"].contains(read?.label), "\(read as Any)")
                }
                #expect(try primary.ask("SELECT count(*) FROM metastore.key_value WHERE key = 'ghost'") == "0")
                try await blocking { try standby.start() }
                #expect(
                    await eventually { (try? await store.keyValue.put("a/back", "x")) != nil })
                let answered = load.answers.count
                for store in [store, other] { await store.close() }
                return "\(answered) acknowledged, writing again after \(time.inSeconds) s"
            }

            /// It lacked what was acknowledged last: nobody goes on as if that had not been.
            @Test func `an asynchronous one that lagged is reported as a cut, never papered over`() async throws {
                let primary = try await blocking { try PostgreSQLServer() }
                let standby = try await blocking { try primary.makeStandby() }
                let url = PostgreSQLServer.url([primary, standby])
                let store = try await Metastore.open(.place(url), .bound(.seconds(2)))
                var readOnly = StoreOptions.bound(.seconds(2))
                readOnly.engine.isReadOnly = true
                let reader = try await Metastore.open(.place(url), readOnly)
                let (follower, onlooker) = (try await Follower(store), try await Follower(reader))
                let kept = try await store.keyValue.put("a/kept", "x").revision
                #expect(
                    try await eventually {
                        try standby.ask("SELECT revision FROM metastore.head") == "\(kept.rawValue)"
                    })
                // It receives nothing any more.
                try await blocking { try standby.set("primary_conninfo", to: "") }
                #expect(
                    try await eventually { try primary.ask("SELECT count(*) FROM pg_stat_replication") == "0" })
                for number in 0..<10 { try await store.keyValue.put(EntryKey("a/lost-\(number)"), "x") }
                let lost = store.position
                #expect(await eventually { follower.last == lost.revision && onlooker.last == lost.revision })
                try await blocking {
                    try primary.stop(.immediate)
                    try standby.promote()
                }

                // Who saw what is lost writes nothing, from the first attempt on.
                var outcomes: [String: Int] = [:]
                for _ in 0..<5 {
                    let refused = await refusal { try await store.keyValue.put("a/ghost", "x") }
                    outcomes[refused?.label ?? "written", default: 0] += 1
                    if case .historyCut(let expected, let found) = refused {
                        #expect(expected == lost.revision && found == kept)
                    }
                }
                #expect(outcomes["historyCut", default: 0] >= 4 && outcomes["written"] == nil, "\(outcomes)")
                // Nor does it read what is older than what it has seen.
                let read = await refusal { try await store.keyValue.get("a/kept") }
                #expect(read == .historyCut(expected: lost.revision, found: kept), "\(read as Any)")
                // Others go on from what there is; whoever followed the lost part is told.
                let fresh = try await Metastore.open(.place(url), .bound(.seconds(2)))
                #expect(try await fresh.keyValue.get("a/ghost") == nil)
                let ahead = await refusal { try await Self.next(fresh, after: lost) }
                #expect(ahead == .futureRevision(asked: lost.revision, head: kept), "\(ahead as Any)")
                for number in 0..<20 { try await fresh.keyValue.put(EntryKey("a/other-\(number)"), "y") }
                let forked = await refusal { try await Self.next(fresh, after: lost) }
                #expect(forked?.label == "forked", "\(forked as Any)")
                // The one who follows through the handle that saw the lost part is told, too.
                #expect(await eventually { follower.failure != nil })
                let told = (follower.failure as? StoreError)?.label
                #expect(["forked", "futureRevision", "historyCut"].contains(told), "\(follower.failure as Any)")
                #expect(follower.gaps.isEmpty)
                // Broke: one that waited until the other history was longer went on in it.
                #expect(await eventually { onlooker.failure != nil })
                #expect((onlooker.failure as? StoreError)?.label == "forked", "\(onlooker.failure as Any)")
                #expect(onlooker.last == lost.revision)
                let report = try await fresh.verify()
                #expect(report.isClean, "\(report)")
                print("a lagging standby: \(outcomes.inWords); its follower: \(told ?? "nothing")")
                for store in [store, reader, fresh] { await store.close() }
            }

            private static func next(_ store: Metastore, after position: Position) async throws {
                for try await _ in store.changes(after: position) { return }
            }
        }
    }

    /// The store's error that `body` ends with; nil when it doesn't.
    func refusal<Value>(_ body: () async throws -> Value) async -> StoreError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? StoreError
        }
    }
#endif
