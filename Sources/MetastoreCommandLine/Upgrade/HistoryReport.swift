internal import MetastoreEngine
internal import MetastoreMigration
package import MetastoreTerminal

/// What `history` says: every step the store has.
package struct HistoryReport: CommandReport {
    package struct Entry: Sendable, Encodable {
        package let number: Int64
        package let name: String
        package let time: String
        package let binary: String
        package let host: String
        package let seconds: Double
        /// SHA-256 of the normalised statements.
        package let checksum: String
        /// Where the backup lies that was made before it.
        package let backup: String?
    }

    package let store: String
    package let entries: [Entry]

    package func lines(_ style: TerminalStyle) -> [String] {
        var table = TextTable([
            .init("schema", isNumber: true), .init("name"), .init("when"), .init("by", mayShrink: true),
            .init("on", mayShrink: true), .init("took", isNumber: true), .init("checksum"),
            .init("backup", mayShrink: true),
        ])
        for entry in entries {
            table.add(
                "\(entry.number)", entry.name, entry.time, entry.binary, entry.host,
                entry.seconds > 0 ? Shown.duration(.seconds(entry.seconds)) : "-",
                String(entry.checksum.prefix(12)), entry.backup ?? "-")
        }
        return table.lines(style)
    }
}

/// What `lock show` and `lock break` say.
package struct LockReport: CommandReport {
    package let store: String
    package let lock: LockHolder?
    /// It was taken away from that holder.
    package let isBroken: Bool

    package func lines(_ style: TerminalStyle) -> [String] {
        guard let lock else { return ["\(store): nobody holds the lock"] }
        if isBroken { return ["\(store): the lock was taken away from \(lock.holder), which is dead"] }
        return ["\(store): \(lock.isAlive ? "held by" : "left by") \(lock.holder)\(lock.isAlive ? "" : ", dead")"]
    }
}

extension Upgrade {
    /// Who did what to the schema, when, from where. Writes nothing.
    package func history() throws(CommandFailure) -> HistoryReport {
        try failing {
            _ = try sight()
            return try reading { connection in
                let entries = try migrator.status(connection).applied.map { step in
                    HistoryReport.Entry(
                        number: step.number, name: step.name, time: Self.seconds(step.appliedTime),
                        binary: step.appliedBy, host: step.host, seconds: Double(step.duration) / 1e6,
                        checksum: Self.hexadecimal(step.checksum), backup: step.backup)
                }
                return HistoryReport(store: store, entries: entries)
            }
        }
    }

    /// Who holds the right to migrate. Writes nothing.
    package func lockHolder() throws(CommandFailure) -> LockReport {
        try failing {
            LockReport(store: store, lock: try place.lockHolder(try sight()), isBroken: false)
        }
    }

    /// Takes the right to migrate away from a holder that is dead; fails when it is alive.
    package func breakLock() throws(CommandFailure) -> LockReport {
        try failing {
            _ = try sight()
            let holder = try place.breakLock()
            return LockReport(store: store, lock: holder, isBroken: holder != nil)
        }
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
