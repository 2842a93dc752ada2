#if PostgreSQL
    internal import CPostgreSQL
    internal import MetastoreEngine

    /// The fields of an error, by libpq's letters: macros that Swift doesn't import as numbers.
    enum PostgreSQLField {
        static let severity = Int32(UInt8(ascii: "V"))
        static let localSeverity = Int32(UInt8(ascii: "S"))
        static let sqlState = Int32(UInt8(ascii: "C"))
        static let primary = Int32(UInt8(ascii: "M"))
        static let table = Int32(UInt8(ascii: "t"))
        static let column = Int32(UInt8(ascii: "c"))
        static let constraint = Int32(UInt8(ascii: "n"))
    }

    extension EngineError {
        /// The error that a statement's result stands for.
        ///
        /// - Parameter wasCancelled: a cancel request of ours was sent.
        init(result: OpaquePointer, operation: String, wasCancelled: Bool) {
            let state = cText(PQresultErrorField(result, PostgreSQLField.sqlState))
            let constraint = cText(PQresultErrorField(result, PostgreSQLField.constraint))
            // Whoever ends the session says so in its last message: the server, or a pooler that lost it.
            let severities = [PostgreSQLField.severity, PostgreSQLField.localSeverity].map {
                cText(PQresultErrorField(result, $0))
            }
            let isLast = severities.contains { $0 == "FATAL" || $0 == "PANIC" }
            let code =
                isLast
                ? .disconnected : EngineError.code(state, constraint: constraint, wasCancelled: wasCancelled)
            let words = EngineError.words(of: result)
            let advice = EngineError.advice(code)
            self.init(
                code, operation: ["42P01", "42703"].contains(state) ? "prepare" : operation,
                message: advice.isEmpty ? words : "\(words). \(advice)", sqlState: state)
        }

        /// The same error, of a transaction that it ended.
        var endingTransaction: EngineError {
            EngineError(
                code, operation: operation, message: message, engineCode: engineCode, sqlState: sqlState,
                endedTransaction: true)
        }

        /// The server's words, as far as they can't hold a value: never the detail, the hint or the context, and of
        /// errors about values or raised by somebody's function nothing at all.
        static func words(of result: OpaquePointer) -> String {
            let state = cText(PQresultErrorField(result, PostgreSQLField.sqlState))
            let primary = cText(PQresultErrorField(result, PostgreSQLField.primary))
            switch state.prefix(2) {
            case "": return state.isEmpty ? oneLine(cText(PQresultErrorMessage(result))) : ""
            case "23":
                let table = cText(PQresultErrorField(result, PostgreSQLField.table))
                let column = cText(PQresultErrorField(result, PostgreSQLField.column))
                let constraint = cText(PQresultErrorField(result, PostgreSQLField.constraint))
                if state == "23502" { return "column \(column) of table \(table) may not be null" }
                return "constraint \(constraint) of table \(table) refuses the row"
            case "01", "08", "0A", "25", "26", "28", "34", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "XX":
                return oneLine(primary)
            default: return "the server refuses a value or a statement"
            }
        }

        /// Without line breaks and control characters, and not longer than an error may be.
        static func oneLine(_ words: String) -> String {
            let shown = words.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : String($0) }.joined()
            let parts = shown.split(separator: " ").joined(separator: " ")
            return String(parts.prefix(PostgreSQLLimits.words))
        }

        /// What a SQLSTATE means to the store.
        static func code(_ state: String, constraint: String = "", wasCancelled: Bool = false) -> Code {
            switch state {
            case "23505": return .constraint(constraint.hasSuffix("_pkey") ? .primaryKey : .unique)
            case "23503", "23001": return .constraint(.foreignKey)
            case "23514": return .constraint(.check)
            case "23502": return .constraint(.notNull)
            case "40001", "40P01", "55P03", "55006": return .busy
            case "57014": return wasCancelled ? .interrupted : .timedOut
            case "25P03", "57P05": return .disconnected
            case "25006": return .readOnly
            case "42501": return .permissionDenied
            case "53100", "53200": return .full
            case "53300", "53400", "57P03": return .unreachable
            case "57P01", "57P02": return .disconnected
            case "3D000", "3F000": return .missing
            case "0A000": return .unsupported
            case "58030", "58P01", "58P02": return .inputOutput
            case "XX001", "XX002": return .damaged
            case "22021", "22P05", "54000", "54001", "54011", "54023": return .tooBig
            default: break
            }
            switch state.prefix(2) {
            case "23": return .constraint(.other)
            case "22": return .constraint(.other)
            case "28": return .permissionDenied
            case "40": return .busy
            case "53": return .full
            case "54": return .tooBig
            default: return .misuse
            }
        }

        private static func advice(_ code: Code) -> String {
            switch code {
            case .busy: "Another transaction was in the way. Nothing was done; try again"
            case .timedOut:
                "The server ended the statement because it took too long. Nothing of it was done; look what the server "
                    + "is busy with"
            case .full: "The server has no room or memory left. Make room and try again; nothing was done"
            case .unreachable: "Nothing was done; try again, or raise the server's limit"
            case .readOnly: "The server, or this connection, takes no writes. Connect to the primary"
            case .permissionDenied: "Grant the role what OPERATIONS lists; don't use a superuser"
            case .inputOutput: "Look at the server's log; don't delete or rebuild the database because of this"
            case .damaged: "Look at the server's log, copy its files, then verify or restore a backup"
            default: ""
            }
        }
    }
#endif
