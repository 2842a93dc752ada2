internal import MetastoreEngine
internal import MetastoreMigration
internal import MigrationSupport
internal import Migrations
internal import Testing

/// What follows from a status alone, without a database.
@Suite struct `What a database's steps allow` {
    private let steps = MigrationText.three
    private var known: Int64 { Int64(steps.count) }

    private func applied(_ number: Int64, edited: Bool = false, by release: String = "metastore 9") -> AppliedMigration
    {
        let text = steps.first { $0.number == number }?.statements(for: "sqlite") ?? ""
        return AppliedMigration(
            number: number, name: "n", checksum: StatementText.checksum(of: [edited ? text + "x" : text]),
            appliedBy: release, host: "h", appliedTime: 0, duration: 0, backup: nil)
    }

    private func status(_ numbers: [Int64], minReader: Int64? = 1, minWriter: Int64? = 1) -> MigrationStatus {
        MigrationStatus(
            database: .sqlite, steps: steps, applied: numbers.map { applied($0) }, minReader: minReader,
            minWriter: minWriter)
    }

    @Test func `all of them: nothing is pending and everything is allowed`() throws {
        let status = status(Array(1...known))
        #expect(status.found == known && status.known == known && status.pending.isEmpty)
        #expect(status.refusal(forWriting: true) == nil && status.disagreement == nil)
        #expect(try status.next(to: nil) == nil)
        #expect(status.lastWriter?.appliedBy == "metastore 9")
    }

    @Test func `fewer: the next is the one after the last, up to the target`() throws {
        let status = status([1])
        #expect(status.pending.map(\.number) == Array(2...known))
        #expect(status.refusal(forWriting: false) == .pending(found: 1, known: known))
        #expect(try status.next(to: nil)?.number == 2)
        #expect(try status.next(to: 2)?.number == 2)
        #expect(try status.next(to: 1) == nil)
        #expect(try self.status([]).next(to: nil)?.number == 1)
    }

    @Test func `a target that can't be reached is refused`() {
        #expect(throws: MigrationError.beyondTarget(found: 2, target: 1)) { try status([1, 2]).next(to: 1) }
        for target in [0, -1, known + 1] {
            #expect(throws: MigrationError.unknownTarget(target: target, known: known)) {
                try status([1]).next(to: target)
            }
        }
    }

    @Test func `a lower one that was never applied is named`() {
        for numbers in [[1, 3], [1, 3, known, known + 1]] {
            let status = status(numbers.sorted())
            let missing = steps.map(\.number).filter { $0 < numbers.max() ?? 0 && !numbers.contains($0) }
            #expect(status.refusal(forWriting: true) == .gap(missing: missing))
            #expect(throws: MigrationError.gap(missing: missing)) { try status.next(to: nil) }
        }
        let text = "\(MigrationError.gap(missing: [2]))"
        for part in ["migration 2 was not applied", "intact", "do not delete", "history"] {
            #expect(text.contains(part), "\(text)")
        }
    }

    @Test func `steps of this binary that leave a number out apply nothing`() {
        let status = MigrationStatus(
            database: .sqlite, steps: [steps[0]] + steps[2...], applied: [applied(1)], minReader: 1, minWriter: 1)
        #expect(throws: MigrationError.gap(missing: [2])) { try status.next(to: nil) }
    }

    @Test func `an edited one is named`() {
        let status = MigrationStatus(
            database: .sqlite, steps: steps, applied: [applied(1), applied(2, edited: true)], minReader: 1,
            minWriter: 1)
        #expect(status.disagreement == .edited(number: 2, name: steps[1].name))
        #expect(throws: MigrationError.self) { try status.next(to: nil) }
    }

    @Test(arguments: [(true, true), (true, false), (false, false)])
    func `more than this binary knows: as far as the head row allows`(_ mayRead: Bool, _ mayWrite: Bool) {
        let limit = { (allowed: Bool) in allowed ? known : known + 1 }
        let status = status(Array(1...known + 1), minReader: limit(mayRead), minWriter: limit(mayWrite))
        let error = MigrationError.newer(
            found: known + 1, known: known, writtenBy: "metastore 9", mayRead: mayRead)
        #expect(status.refusal(forWriting: false) == (mayRead ? nil : error))
        #expect(status.refusal(forWriting: true) == (mayWrite ? nil : error))
        let text = "\(error)"
        for part in ["schema \(known + 1)", "metastore 9", "intact", "do not delete"] {
            #expect(text.contains(part), "\(text)")
        }
        #expect(text.contains("read-only") == mayRead)
    }

    @Test func `a head row that isn't there allows nothing newer`() {
        let status = status(Array(1...known + 1), minReader: nil, minWriter: nil)
        #expect(status.refusal(forWriting: false) != nil)
    }
}

@Suite struct `What is left to do` {
    private let index = ConcurrentIndex(
        name: "by_note", statement: "CREATE INDEX CONCURRENTLY by_note ON things (note)")

    @Test func `about an index`() {
        #expect(index.statements(finding: .absent) == [index.statement])
        #expect(index.statements(finding: .invalid) == ["DROP INDEX CONCURRENTLY \"by_note\"", index.statement])
        #expect(index.statements(finding: .valid).isEmpty)
    }

    @Test func `about a lock`() {
        func holder(isConnected: Bool) -> MigrationHolder {
            MigrationHolder(name: "p", host: "h", backend: 1, since: 0, isConnected: isConnected, token: 7)
        }
        #expect(MigrationLock.Decision(token: 7, holder: nil) == .take(over: 7))
        #expect(MigrationLock.Decision(token: 7, holder: holder(isConnected: false)) == .take(over: 7))
        let alive = holder(isConnected: true)
        #expect(MigrationLock.Decision(token: 7, holder: alive) == .wait(holder: alive))
    }
}

@Suite struct `A statement's text` {
    @Test func `is the same whatever its white space and comments`() {
        let plain = "CREATE TABLE a (b text DEFAULT '--  /* ''x')"
        let other = """
              CREATE /* a
            table */ TABLE a  (b -- a column
                text\tDEFAULT '--  /* ''x')
            -- end
            """
        #expect(StatementText.normalised(other) == plain)
        #expect(StatementText.checksum(of: [other]) == StatementText.checksum(of: [plain]))
        for changed in ["CREATE TABLE a (b text DEFAULT '-- /* ''x')", "CREATE TABLE a (c text)", ""] {
            #expect(StatementText.checksum(of: [changed]) != StatementText.checksum(of: [plain]))
        }
    }

    @Test(arguments: ["'", "/*", "/* *", "a 'b", "--", "\"", "é -", "/"])
    func `may end anywhere`(_ text: String) {
        #expect(text.utf8.count + 1 > StatementText.normalised(text).utf8.count)
    }

    @Test func `counts what is built before its transaction, where that is done`() {
        let index = ConcurrentIndex(name: "a", statement: "CREATE INDEX CONCURRENTLY a ON things (id)")
        let plain = MigrationText.later(1, "a", "SELECT 1")
        let indexed = MigrationText.later(1, "a", concurrentIndexes: [index], "SELECT 1")
        func status(_ database: Dialect.Name) -> MigrationStatus {
            let text = StatementText.checksum(of: ["SELECT 1"])
            let row = AppliedMigration(
                number: plain.number, name: "a", checksum: text, appliedBy: "", host: "", appliedTime: 0, duration: 0,
                backup: nil)
            return MigrationStatus(
                database: database, steps: [indexed], applied: [row], minReader: 1, minWriter: 1)
        }
        #expect(status(.sqlite).disagreement == nil)
        #expect(status(.postgresql).disagreement == .edited(number: plain.number, name: "a"))
    }
}
