internal import FoundationEssentials
internal import MetastoreEngine

extension EnginePromise {
    static let values: [EnginePromise] = [
        EnginePromise("integers come back as they went in") { rig in
            for number: Int64 in [0, 1, -1, .min, .max, 1 << 53 + 1] {
                try expect(try rig.roundTrip(.integer(number), "number", as: .integer), "\(number) comes back")
            }
        },
        EnginePromise("real numbers come back bit by bit") { rig in
            let extremes: [Double] = [
                0, 1, -1.5, 0.1, .pi, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNormalMagnitude,
                .leastNonzeroMagnitude, 1e15, 4_503_599_627_370_496,
            ]
            for number in extremes {
                try expect(try rig.roundTrip(.real(number), "ratio", as: .real), "\(number) comes back")
            }
        },
        EnginePromise("text comes back as it went in") { rig in
            let texts = [
                "", " ", "a", "exactly15bytes!", "exactly 16 bytes", "ünïcödé \u{1F9EC} e\u{301}",
                "'; DROP TABLE things; --",
                "line\nline\ttab\u{1}control\u{7F}", "?1 $1 :a", "12", "1e3",
                String(repeating: "long ", count: 100_000),
            ]
            for text in texts {
                try expect(
                    try rig.roundTrip(.text(text), "note", as: .text), "text of \(text.utf8.count) bytes comes back")
            }
        },
        EnginePromise("text is compared by its bytes, not by equivalence") { rig in
            try rig.insert(1, name: "e\u{301}")
            try rig.insert(2, name: "\u{E9}")
            try rig.insert(3, name: "Z")
            let order = try rig.writer.all("SELECT id FROM things ORDER BY name") { row in try row.integer(0) }
            try expect(order == [3, 1, 2], "the order is that of the bytes, not \(order)")
        },
        EnginePromise("bytes come back as they went in") { rig in
            let every = Array(UInt8.min...UInt8.max)
            for bytes in [[], [0], [0, 0, 0], every, [UInt8](repeating: 7, count: 3 << 20)] {
                try expect(try rig.roundTrip(.bytes(bytes), "body", as: .bytes), "\(bytes.count) bytes come back")
            }
        },
        EnginePromise("UUIDs come back as they went in") { rig in
            let zero = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
            for uuid in [zero, UUID(), UUID()] {
                try expect(try rig.roundTrip(.uuid(uuid), "token", as: .uuid), "\(uuid) comes back")
            }
        },
        EnginePromise("times come back to the microsecond") { rig in
            // 0001-01-01, before 1970, one microsecond, now, 9999-12-31.
            for time: Int64 in [-62_135_596_800_000_000, -1, 0, 1, 1_795_234_567_890_123, 253_402_300_799_999_999] {
                try expect(try rig.roundTrip(.timestamp(time), "at", as: .timestamp), "\(time) comes back")
            }
        },
        EnginePromise("nothing comes back as nothing, in every type") { rig in
            let columns: [(String, ColumnType)] = [
                ("number", .integer), ("ratio", .real), ("note", .text), ("body", .bytes), ("token", .uuid),
                ("at", .timestamp),
            ]
            for (column, type) in columns {
                try expect(try rig.roundTrip(.null, column, as: type), "NULL comes back from \(column)")
            }
        },
        EnginePromise("empty text and empty bytes are not NULL") { rig in
            try rig.writer.execute("INSERT INTO things (id, name, note, body) VALUES (1, '', \(""), \([UInt8]()))")
            let found = try rig.writer.first("SELECT note, body FROM things") { row in
                (row.isNull(0), row.isNull(1), try row.text(0), try row.bytes(1))
            }
            try expect(found.map { $0 == (false, false, "", []) } == true, "both are there and empty")
        },
        EnginePromise("bytes are lent where they lie, of text too, and none for NULL") { rig in
            try rig.writer.execute("INSERT INTO things (id, name, body) VALUES (1, 'ab', \([1, 2, 3] as [UInt8]))")
            let found = try rig.writer.first("SELECT name, body, note FROM things") { row in
                try (0..<3).map { try row.withBytes($0) { Array($0) } }
            }
            try expect(found == [[97, 98], [1, 2, 3], []], "the bytes are lent")
        },
        EnginePromise("a column of another type is refused as damage") { rig in
            try rig.writer.execute("INSERT INTO things (id, name) VALUES (1, 'a')")
            try expectFailure(.damaged) {
                try rig.writer.forEachRow("SELECT name FROM things") { try $0.integer(0) > 0 }
            }
            try expectFailure(.damaged) { try rig.writer.forEachRow("SELECT id FROM things") { try $0.text(0) == "" } }
            try expectFailure(.damaged) {
                try rig.writer.forEachRow("SELECT note FROM things") { try $0.text(0) == "" }
            }
            try expectFailure(.damaged) {
                try rig.writer.forEachRow("SELECT name FROM things") { try $0.uuid(0) == UUID() }
            }
        },
    ]
}

extension EngineRig {
    /// Writes a value into a column, reads it back and also finds the row by it.
    fileprivate func roundTrip(_ value: Value, _ column: String, as type: ColumnType) throws -> Bool {
        try writer.execute("DELETE FROM things")
        let insert = SQL(trusted: "INSERT INTO things (id, name, \(column)) VALUES (1, 'x', \u{1})", values: [value])
        try expect(try writer.execute(insert) == 1, "one row is inserted")
        let back = try writer.first(SQL(trusted: "SELECT \(column) FROM things")) { row in try row.value(0, as: type) }
        guard value != .null else { return back == value }
        let match = SQL(trusted: "SELECT id FROM things WHERE \(column) = \u{1}", values: [value])
        let found = try writer.first(match) { row in try row.integer(0) }
        return back == value && found == 1
    }
}
