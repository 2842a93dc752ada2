internal import FoundationEssentials
internal import FaultSupport
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed, .timeLimit(.minutes(2))) struct `Opening what somebody made` {
    private func store(_ root: String, _ script: String = "") async throws -> String {
        let path = root + "/metastore.db"
        try await FullStore.make(in: .sqlite(path))
        if !script.isEmpty { try rewrite(path, "PRAGMA foreign_keys = OFF; " + script) }
        return path
    }

    /// A table's name under which something computes what it shows, or never ends.
    @Test(arguments: [
        """
        DROP TABLE head; CREATE VIEW head AS
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS id FROM n
        """,
        "DROP TABLE schema_migrations; CREATE VIEW schema_migrations AS SELECT 1 AS number",
        "DROP TABLE ports; CREATE VIRTUAL TABLE Ports USING fts5(host)",
        "CREATE TRIGGER pools AFTER INSERT ON trials BEGIN SELECT 1; END",
        "CREATE VIEW copying AS SELECT 1",
    ])
    func `refuses what stands under a table's name`(_ script: String) async throws {
        try await withScratch { root in
            let path = try await store(root, script)
            let error = #expect(throws: StoreError.self) { _ = try Inspection.open(path: path) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("stands where its table"), "\(String(describing: error))")
        }
    }

    @Test func `names the tables that differ, and reads on`() async throws {
        try await withScratch { root in
            let script = """
                CREATE TABLE extra (id INTEGER PRIMARY KEY); CREATE VIEW more AS SELECT 1;
                ALTER TABLE ports ADD COLUMN colour TEXT; DROP VIEW trial_names;
                CREATE TRIGGER t AFTER INSERT ON trials BEGIN SELECT 1; END
                """
            let inspection = try Inspection.open(path: try await store(root, script))
            let all = inspection.notices.joined(separator: "\n")
            for name in ["table extra", "view more", "column ports.colour", "view trial_names is missing", "trigger"] {
                #expect(all.contains(name), "\(name): \(all)")
            }
            #expect(inspection.verdict == .clean)
            #expect(try inspection.read { try inspection.store.verify() }.isClean)
        }
    }

    @Test func `runs nothing that stands in the file, and takes nothing larger than a store has`() async throws {
        try await withScratch { root in
            let path = try await store(root, "CREATE VIEW evil AS SELECT 1 AS i")
            let inspection = try Inspection.open(path: path)
            func refusal(_ statement: SQL) -> String {
                do {
                    _ = try inspection.connection.first(statement) { _ in 1 }
                    return "done"
                } catch {
                    return "\(error)"
                }
            }
            #expect(refusal("SELECT i FROM evil").contains("view"))
            #expect(refusal("SELECT length(zeroblob(200000000))").contains("too big"))
            #expect(refusal("ATTACH ':memory:' AS other").contains("too many attached databases"))
            #expect(refusal("SELECT load_extension('x')") != "done")
        }
    }

    /// Pages that lead to each other: a walk over them has no end.
    @Test func `ends when reading doesn't`() async throws {
        try await withScratch { root in
            let path = try await store(root)
            var bytes = try contents(path)
            let root = try Inspection.open(path: path).rootPage(of: "experiments")
            let leaf = Array(bytes[(root - 1) * page..<root * page])
            try #require(leaf[0] == 0x0D, "the table must be one page")
            let maze = appendMaze(to: &bytes, leaf)
            bytes.replaceSubrange((root - 1) * page..<root * page, with: interior(to: maze, maze, cells: 400))
            try write(bytes, to: path)
            var options = InspectionOptions()
            options.statementLimit = .milliseconds(500)
            let inspection = try Inspection.open(path: path, options)
            for statement in ["SELECT count(*) FROM experiments NOT INDEXED", "SELECT max(revision) FROM experiments"] {
                let error = #expect(throws: EngineError.self) {
                    try inspection.read { _ = try inspection.connection.first(SQL(trusted: statement)) { _ in 1 } }
                }
                #expect(error?.code == .interrupted && error?.message.contains("never ends") == true, "\(statement)")
            }
            // Rows without end are no way around it.
            let error = #expect(throws: StoreError.self) { try inspection.read { try inspection.store.verify() } }
            #expect("\(String(describing: error))".contains("never ends"))
        }
    }

    /// The list of the tables itself has no end.
    @Test func `ends when not even the schema does`() async throws {
        try await withScratch { root in
            let path = try await store(root)
            var bytes = try contents(path)
            try #require(bytes[100] == 0x05, "the schema must be of several pages")
            // A row for an index that SQLite made by itself, which it takes any number of times.
            let texts = ["index", "sqlite_autoindex_checkpoints_1", "checkpoints"].map { Array($0.utf8) }
            let header = texts.map { UInt8($0.count * 2 + 13) } + [1, 0]
            let payload = [UInt8(header.count + 1)] + header + texts.flatMap(\.self) + [2]
            let cell = [UInt8(payload.count), 100] + payload
            let place = page - cell.count
            let leaf = [0x0D, 0, 0] + short(1) + short(place) + [0] + short(place)
            let maze = appendMaze(to: &bytes, leaf + Array(repeating: 0, count: place - leaf.count) + cell)
            // After everything that the schema had: its last page, and then the maze.
            let last = bytes[108..<112].reduce(0) { $0 << 8 | UInt32($1) }
            bytes += interior(to: last, maze, cells: 1)
            bytes.replaceSubrange(108..<112, with: bigEndian(UInt32(bytes.count / page)))
            bytes.replaceSubrange(28..<32, with: bigEndian(UInt32(bytes.count / page)))
            try write(bytes, to: path)
            var options = InspectionOptions()
            options.statementLimit = .milliseconds(500)
            let error = #expect(throws: (any Error).self) { _ = try Inspection.open(path: path, options) }
            #expect("\(String(describing: error))".contains("never ends"), "\(String(describing: error))")
        }
    }

    private let page = 4_096

    /// Fourteen pages, each with 400 ways to the next; the last is the leaf. Returns the first.
    private func appendMaze(to bytes: inout [UInt8], _ leaf: [UInt8]) -> UInt32 {
        let first = UInt32(bytes.count / page + 1)
        for level in 1...14 as ClosedRange<UInt32> {
            bytes += interior(to: first + level, first + level, cells: 400)
        }
        bytes += leaf
        bytes.replaceSubrange(28..<32, with: bigEndian(UInt32(bytes.count / page)))
        return first
    }

    private func short(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }

    private func bigEndian(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }

    /// A page of a table, whose cells are one, over and over.
    private func interior(to child: UInt32, _ last: UInt32, cells: Int) -> [UInt8] {
        let cell = page - 5
        var bytes: [UInt8] = [0x05, 0, 0] + short(cells) + short(cell) + [0] + bigEndian(last)
        for _ in 0..<cells { bytes += short(cell) }
        bytes += Array(repeating: 0, count: cell - bytes.count)
        return bytes + bigEndian(child) + [1]
    }

    /// Damage anywhere is told, or makes no difference: never a crash, a hang or an unproven row that looks proven.
    @Test func `any page may be anything`() async throws {
        try await withScratch { root in
            let path = try await store(root)
            let whole = try contents(path)
            let truth = try rows(Inspection.open(path: path))
            var random = Scale.random(41)
            var outcomes: [String: Int] = [:]
            for _ in 0..<Scale.of(2_000) {
                var bytes = whole
                let start = Int.random(in: 0..<bytes.count, using: &random)
                for place in start..<min(bytes.count, start + Int.random(in: 1...64, using: &random)) {
                    bytes[place] = UInt8.random(in: 0...255, using: &random)
                }
                try write(bytes, to: path)
                do {
                    let found = try rows(Inspection.open(path: path))
                    #expect(found.isSubset(of: truth), "changed at \(start): \(found.subtracting(truth))")
                    outcomes[found == truth ? "all rows" : "some rows", default: 0] += 1
                } catch {
                    #expect(error is StoreError || error is EngineError, "\(type(of: error)): \(error)")
                    outcomes["refused", default: 0] += 1
                }
            }
            print("pages damaged: \(outcomes.inWords)")
        }
    }

    /// Those that their own hashes prove.
    private func rows(_ inspection: Inspection) throws -> Set<String> {
        var found: Set<String> = []
        try inspection.read {
            for kind in RecordKind.allCases where kind != .cluster {
                try? inspection.store.forEachRow(of: kind) { row in
                    if case .row(let row) = row, row.isProven { found.insert("\(row.key.path) \(row.revision)") }
                    return true
                }
            }
        }
        return found
    }
}

@Suite struct `What is mounted` {
    @Test func `is found by the longest path, and its journal asked for`() {
        let table = MountTable(
            text: """
                21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
                45 21 7:1 / /mnt/my\\040snap ro,relatime - ext4 /dev/loop1 ro,norecovery
                46 21 7:2 / /mnt/x ro,relatime master:2 propagate_from:1 - xfs /dev/loop2 ro,norecovery,inode64
                47 21 7:3 / /mnt/x/y ro - ext4 /dev/loop3 ro
                48 21 7:4 / /mnt/z ro - ext4 /dev/loop4 ro
                49 21 7:5 / /mnt/z ro - ext3 /dev/loop5 ro,noload
                garbage
                """)
        #expect(table.mounts.count == 6)
        #expect(table.warning(for: "/var/metastore.db") == nil)
        #expect(table.warning(for: "/mnt/my snap/a.db")?.contains("/mnt/my snap is mounted") == true)
        #expect(table.warning(for: "/mnt/x/a.db")?.contains("xfs") == true)
        #expect(table.warning(for: "/mnt/xx/a.db") == nil)
        #expect(table.warning(for: "/mnt/x/y/a.db") == nil)
        #expect(table.warning(for: "/mnt/z/a.db")?.contains("(noload)") == true)
        #expect(MountTable().mount(of: "/") != nil)
    }
}
