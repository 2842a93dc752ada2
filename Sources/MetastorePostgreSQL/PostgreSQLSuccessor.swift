#if PostgreSQL
    package import MetastoreEngine

    extension PostgreSQLEngine: SuccessionEngine {
        package func makeRoom() throws(EngineError) -> any Successor {
            var options = options
            options.isReadOnly = false
            let beside = try PostgreSQLEngine(beside: self, schema: schema + "_arriving", options: options)
            let scratch = ScratchSchema(beside)
            if try scratch.take(waiting: PostgreSQLLimits.killedSession) { try scratch.empty() }
            return PostgreSQLSuccessor(of: self, beside, scratch)
        }

        /// Both names change in one transaction: there is nothing to finish.
        package func finishSuccession() throws(EngineError) -> Bool { false }
    }

    /// A schema beside another one, in its database.
    struct PostgreSQLSuccessor: Successor {
        private let engine: PostgreSQLEngine
        private let beside: PostgreSQLEngine
        /// What keeps others from working at it.
        private let scratch: ScratchSchema

        init(of engine: PostgreSQLEngine, _ beside: PostgreSQLEngine, _ scratch: ScratchSchema) {
            self.engine = engine
            self.beside = beside
            self.scratch = scratch
        }

        var source: EngineSource {
            let beside = beside
            return EngineSource { options in
                try PostgreSQLEngine(beside: beside, schema: beside.schema, options: options)
            }
        }

        func takePlace(keepingAs suffix: String, _ finish: (any Connection) throws -> [UInt8]) throws -> String? {
            let aside = "\(engine.schema)_\(suffix)"
            guard aside.utf8.count < 64 else {
                throw EngineError(
                    .tooBig, operation: "replace",
                    message: "the schema's name is too long to keep it beside another: \(aside) has more than 63 bytes")
            }
            let wasThere = try beside.replace(schema: engine.schema, keepingAs: aside, holding: .everybody) {
                connection, _ in _ = try finish(connection)
            }
            scratch.release()
            return wasThere ? "schema \(aside)" : nil
        }

        func discard() { try? scratch.remove() }
    }
#endif
