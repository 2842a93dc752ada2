#if PostgreSQL
    import Metastore
    import MetastoreEngine
    import MetastoreModel
    import MetastoreTestSupport

    /// A store on SQLite and one on PostgreSQL, each with a clock and randomness of its own that say the same.
    struct TwoStores {
        private let places = (TemporaryPlace(), TemporaryPlace())
        let times: [ManualTime]
        let stores: [Metastore]

        init(seed: UInt64) async throws {
            times = [ManualTime(seed: seed), ManualTime(seed: seed)]
            var stores: [Metastore] = []
            for (time, source) in zip(times, [try places.0.source(.disk), try places.1.source(.postgresql)]) {
                var options = StoreOptions()
                options.time = time.source
                options.engine.callTimeout = .seconds(30)
                stores.append(try await Metastore.open(source, options))
            }
            self.stores = stores
            try same("the new stores' positions", stores.map(\.position))
        }

        /// Where a store lies.
        func source(_ index: Int) throws -> EngineSource {
            index == 0 ? try places.0.source(.disk) : try places.1.source(.postgresql)
        }

        func same<Value: Equatable>(_ what: String, _ values: [Value], after log: [String] = []) throws {
            guard values[0] != values[1] else { return }
            throw Difference(
                description: """
                    \(what) differ: on SQLite
                      \(values[0])
                    on PostgreSQL
                      \(values[1])
                    last calls:
                    \(log.suffix(8).joined(separator: "\n"))
                    """)
        }

        /// Both must answer the same, or throw an error of the same words. Returns what they say.
        @discardableResult
        func ask(after log: [String], _ body: (Metastore) async throws -> [String]) async throws -> [String] {
            var found: [[String]] = []
            for store in stores {
                do {
                    found.append(try await body(store))
                } catch {
                    found.append(["thrown", String(reflecting: error), "\(error)"])
                }
            }
            try same("answers", found, after: log)
            try same("positions", stores.map(\.position), after: log)
            return found[0]
        }
    }
#endif
