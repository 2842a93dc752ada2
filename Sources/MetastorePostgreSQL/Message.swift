#if PostgreSQL
    internal import MetastoreEngine

    /// One statement on its way to the server, and what its success means to the connection.
    struct Message {
        enum Effect {
            case none
            case prepared(KnownStatement)
            case savepoint, savepointReleased
            case commit
            /// The settings of a transaction behind a pooler, with where it has come to.
            case arrived
        }

        enum Content {
            /// Prepares a statement under its name.
            case prepare(KnownStatement)
            /// Runs a statement that is prepared.
            case named(String, [Value])
            case text(String, [Value])
        }

        let content: Content
        var effect = Effect.none
        /// What is being done, for errors.
        var operation = "execute"

        /// A statement of the caller's, not one that steers.
        var isStatement = false

        init(
            _ content: Content, _ effect: Effect = .none, operation: String = "execute", isStatement: Bool = false
        ) {
            self.content = content
            self.isStatement = isStatement
            self.effect = effect
            self.operation = operation
        }

        /// One of the statements that steer a transaction.
        init(_ text: StaticString, _ effect: Effect = .none, operation: String) {
            self.init(.text(text.description, []), effect, operation: operation)
        }

        static var savepoint: Message { Message("SAVEPOINT closure", .savepoint, operation: "open a savepoint") }
        static var release: Message {
            Message("RELEASE SAVEPOINT closure", .savepointReleased, operation: "release a savepoint")
        }
        static var rollbackToSavepoint: Message {
            Message("ROLLBACK TO SAVEPOINT closure", operation: "roll back to a savepoint")
        }
        static var commit: Message { Message("COMMIT", .commit, operation: "commit") }
        static var beginWrite: Message {
            Message("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", operation: "begin")
        }
        static var beginScratch: Message {
            Message("BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE", operation: "begin")
        }
        static var beginRead: Message {
            Message("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", operation: "begin")
        }

        /// About how many bytes it sends.
        var bytes: Int {
            let values: [Value]
            switch content {
            case .prepare(let statement): return statement.rendered.utf8.count
            case .named(_, let bound), .text(_, let bound): values = bound
            }
            return values.reduce(64) { sum, value in
                switch value {
                case .text(let text): sum + text.utf8.count
                case .bytes(let bytes): sum + bytes.count
                default: sum + 16
                }
            }
        }
    }
#endif
