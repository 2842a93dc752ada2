#if PostgreSQL
    import FoundationEssentials
    import Metastore
    import MetastoreModel
    import MetastoreSQLite
    import MetastoreTestSupport
    import Testing

    @Suite struct `The same calls to a store on SQLite and one on PostgreSQL` {
        @Test func `get the same answers, errors, positions and records`() async throws {
            for index in 0..<UInt64(Load.part(of: 60)) {
                let seed = Load.seed &+ index &* 104_729
                do {
                    var run = try await PairRun(seed: seed)
                    try await run.run(steps: 300)
                    try await run.finish()
                } catch {
                    Issue.record("METASTORE_TEST_SEED=\(Load.seed), sequence \(index): \(error)")
                    return
                }
            }
        }
    }

    private struct PairRun {
        let pair: TwoStores
        let replicas = TemporaryPlace()
        let copies = TemporaryPlace()
        var plain: PlainHistory
        var maker: CallMaker
        var log: [String] = []

        init(seed: UInt64) async throws {
            pair = try await TwoStores(seed: seed)
            maker = CallMaker(Randomness(seed))
            plain = PlainHistory(after: pair.stores[0].position.revision.rawValue)
        }

        private var stores: [Metastore] { pair.stores }

        private func same<Value: Equatable>(_ what: String, _ values: [Value]) throws {
            try pair.same(what, values, after: log)
        }

        mutating func run(steps: Int) async throws {
            for step in 0..<steps {
                if step.isMultiple(of: 75) { try await compareAnswers() }
                // A clock may also go back.
                let passed = Duration.microseconds(maker.random.number(-100_000...1_000_000))
                for time in pair.times { time.now = time.now + passed }
                if maker.random.chance(2) { try await delete() } else { try await write() }
                try same("positions", stores.map(\.position))
            }
        }

        private mutating func write() async throws {
            let step = Step(&maker, plain)
            log.append("\(step)")
            _ = step.expected(&plain)
            let id = OperationID(pair.times[0].source)
            _ = OperationID(pair.times[1].source)
            for _ in 0..<(step.usesOperation ? 2 : 1) {
                try await pair.ask(after: log) { store in
                    if step.usesOperation {
                        try await store.write(operation: id) { tx in try step.run(tx) { "\($0)" } }
                    } else {
                        try await store.write { tx in try step.run(tx) { "\($0)" } }
                    }
                }
            }
        }

        private mutating func delete() async throws {
            let id = maker.id(plain.store.experiments.keys)
            log.append("experiments.delete \(id)")
            _ = plain.delete(id)
            try await pair.ask(after: log) { store in
                try await store.experiments.delete(ID(rawValue: id))
                return []
            }
        }

        private func compareAnswers() async throws {
            let all = [try await Answers.all(stores[0], plain.store), try await Answers.all(stores[1], plain.store)]
            try same("numbers of answers", all.map(\.count))
            for (one, other) in zip(all[0], all[1]) { try same("answers to a question", [one, other]) }
        }

        func finish() async throws {
            try await compareAnswers()
            let contents = [try await stores[0].contents(), try await stores[1].contents()]
            try same("digests", contents.map(\.digests))
            try same("digests of the rows", contents.map(\.digestsOfRows))
            for kind in RecordKind.allCases { try same("\(kind)", contents.map { $0.rows[kind] }) }
            try same("links", contents.map(\.links))
            try same("remembered operations", contents.map(\.operations))
            guard contents[0] == contents[1] else { throw Difference(description: "the contents differ") }
            // There and back: what is replayed is as good as what was written.
            let cluster = try await stores[0].info().cluster
            let there = try await Metastore.openReplica(try replicas.source(.postgresql), of: cluster)
            try await copy(stores[0], to: there)
            try same("a replica on PostgreSQL", [contents[0], try await there.contents()])
            let back = try await Metastore.openReplica(try replicas.source(.disk), of: cluster)
            try await copy(there, to: back)
            try same("a replica of the replica, on SQLite", [contents[0], try await back.contents()])
            try await compareCopies(contents[0])
            let other = try await Metastore.openReplica(.inMemory(), of: cluster)
            try await copy(stores[1], to: other)
            try same("a replica on SQLite", [contents[1], try await other.contents()])
            for store in [there, back, other] + stores {
                let report = try await store.verify()
                guard report.isClean else { throw Difference(description: report.description) }
                await store.close()
            }
        }

        /// A copy is as good as the store, there and back.
        private func compareCopies(_ contents: StoreContents) async throws {
            let (file, server) = (try copies.source(.disk), try copies.source(.postgresql))
            _ = try await StoreCopy(from: try pair.source(0), to: server).run()
            _ = try await StoreCopy(from: server, to: file).run()
            // The stores' clock: by the world's the log would be old enough to be cut off.
            var options = StoreOptions()
            options.time = pair.times[0].source
            for source in [server, file] {
                let copy = try await Metastore.open(source, options)
                try same("a copy", [contents, try await copy.contents()])
                let report = try await copy.verify()
                guard report.isClean else { throw Difference(description: report.description) }
                await copy.close()
            }
        }

        private func copy(_ source: Metastore, to replica: Metastore) async throws {
            var revision = Revision.absent
            while true {
                let records = try await source.logRecords(after: revision, bytes: 64 << 10)
                guard let last = records.last else { return }
                try await replica.replay(records)
                revision = last.revision
            }
        }
    }
#endif
