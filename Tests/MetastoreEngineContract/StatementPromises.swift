internal import MetastoreEngine

extension EnginePromise {
    static let statements: [EnginePromise] = [
        EnginePromise("execute counts the rows it changed, and no others") { rig in
            let writer = rig.writer
            try expect(
                try writer.execute("INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b')") == 2, "two inserted")
            try expect(
                try writer.execute("CREATE TABLE others (id INTEGER PRIMARY KEY)") == 0, "a table changes no row")
            try expect(try writer.execute("UPDATE things SET note = 'x' WHERE id = 2") == 1, "one updated")
            try expect(try writer.execute("UPDATE things SET note = 'x' WHERE id = 3") == 0, "none updated")
            try expect(try writer.execute("DELETE FROM things") == 2, "two deleted")
        },
        EnginePromise("a row that a statement returns is read while it is written") { rig in
            let insert: SQL = "INSERT INTO things (id, name) VALUES (7, 'a') RETURNING id, name"
            let back = try rig.writer.first(insert) { row in (try row.integer(0), try row.text(1)) }
            try expect(back.map { $0 == (7, "a") } == true, "the row comes back")
            try expect(try rig.count() == 1, "the row is there")
        },
        EnginePromise("reading stops where the closure says so, and the statement can be used again") { rig in
            try rig.writer.execute("INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
            for _ in 0..<3 {
                var seen: [Int64] = []
                try rig.writer.forEachRow("SELECT id FROM things ORDER BY id") { row in
                    seen.append(try row.integer(0))
                    return seen.count < 2
                }
                try expect(seen == [1, 2], "two rows are seen")
            }
        },
        EnginePromise("the first row is lent, none is nil, and the statement can be used again, also inside itself") {
            rig in
            struct Thrown: Error {}
            let statement: SQL = "SELECT id FROM things ORDER BY id"
            try expect(try rig.writer.first(statement) { try $0.integer(0) } == nil, "there is no row")
            try rig.writer.execute("INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b')")
            let nested = try rig.writer.first(statement) { row in
                (try rig.writer.first(statement) { try $0.integer(0) }, try row.integer(0))
            }
            try expect(nested.map { $0 == (1, 1) } == true, "the first row is read, twice at a time")
            do {
                _ = try rig.writer.first(statement) { _ in throw Thrown() }
                try expect(false, "the error passes through")
            } catch is Thrown {}
            try expectFailure(.damaged) { _ = try rig.writer.first(statement) { try $0.text(0) } }
            try rig.writer.execute("DROP TABLE things")
        },
        EnginePromise("queries nest, also those of the same text") { rig in
            try rig.writer.execute("INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
            var seen: [String] = []
            func visit(_ prefix: String, _ depth: Int) throws {
                try rig.writer.forEachRow("SELECT name FROM things WHERE id > \(0) ORDER BY id") { row in
                    let name = prefix + (try row.text(0))
                    if depth == 2 { seen.append(name) } else { try visit(name, depth + 1) }
                    return true
                }
            }
            try visit("", 0)
            try expect(seen.count == 27 && seen.first == "aaa" && seen.last == "ccc", "all 27 are seen, in order")
        },
        EnginePromise("an error of the closure passes through, and the connection goes on") { rig in
            struct Thrown: Error {}
            try rig.insert(1, name: "a")
            do {
                try rig.writer.forEachRow("SELECT id FROM things") { _ in throw Thrown() }
                try expect(false, "the error passes through")
            } catch is Thrown {}
            try expect(try rig.count() == 1, "the connection goes on")
            try rig.writer.execute("DROP TABLE things")
        },
        EnginePromise("more statements than the cache keeps still work") { rig in
            try rig.insert(1, name: "a")
            for round in 0..<2 {
                for number in 0..<300 {
                    let statement = SQL(
                        trusted: "SELECT id + \(number) FROM things WHERE id = \u{1}", values: [.integer(1)])
                    let sum = try rig.writer.first(statement) { row in try row.integer(0) }
                    try expect(sum == Int64(number + 1), "statement \(number) works in round \(round)")
                }
            }
        },
        EnginePromise("a list binds each of its values, and an empty one matches nothing") { rig in
            try rig.writer.execute("INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
            let two = try rig.writer.all("SELECT id FROM things WHERE id IN (\(list: [1, 3])) ORDER BY id") { row in
                try row.integer(0)
            }
            let none = try rig.writer.all("SELECT id FROM things WHERE id IN (\(list: [Int]()))") { row in
                try row.integer(0)
            }
            try expect(two == [1, 3] && none.isEmpty, "two, and none")
        },
        EnginePromise("a defect in a statement is misuse, and names no value") { rig in
            let secret = "swordfish"
            for broken: SQL in ["SELEC \(secret)", "SELECT \(secret) FROM nowhere"] {
                let error = try expectFailure(.misuse) { try rig.writer.execute(broken) }
                try expect(!error.description.contains(secret), "the value isn't in \(error)")
            }
            try expectFailure(.misuse) {
                try rig.writer.execute(SQL(trusted: "SELECT \u{1}", values: []))
            }
            try expectFailure(.misuse) { try rig.writer.execute("SELECT 1; SELECT 2") }
        },
        EnginePromise("a script runs all its statements") { rig in
            try rig.writer.executeScript(
                "-- a comment; with a semicolon\nINSERT INTO things (id, name) VALUES (1, 'a;b');\n"
                    + "INSERT INTO things (id, name) VALUES (2, 'c');\n")
            try expect(try rig.count() == 2, "both rows are there")
            try expectFailure(.misuse) { try rig.writer.executeScript("SELEC 1;") }
        },
        EnginePromise("a closed connection refuses everything, and closing again does nothing") { rig in
            let interrupt = rig.writer.interrupter()
            rig.writer.close()
            rig.writer.close()
            interrupt()
            rig.writer.rollback()
            try expect(!rig.writer.isInTransaction, "no transaction is open")
            try expectFailure(.misuse) { try rig.writer.execute("SELECT 1") }
            try expectFailure(.misuse) { try rig.writer.forEachRow("SELECT 1") { _ in true } }
            try expectFailure(.misuse) { try rig.writer.executeScript("SELECT 1") }
            try expectFailure(.misuse) { try rig.writer.begin(.read) }
            try expectFailure(.misuse) { try rig.writer.commit() }
        },
        EnginePromise("closing while rows are read waits for the row") { rig in
            try rig.writer.execute("INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b')")
            var names: [String] = []
            try expectFailure(.misuse) {
                try rig.writer.forEachRow("SELECT name FROM things ORDER BY id") { row in
                    rig.writer.close()
                    names.append(try row.text(0))
                    return true
                }
            }
            try expect(names == ["a"], "the row is whole, and no other comes")
        },
    ]
}
