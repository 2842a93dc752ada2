internal import MetastoreEngine

extension EnginePromise {
    static let constraints: [EnginePromise] = [
        EnginePromise("each kind of constraint is told apart") { rig in
            try rig.insert(1, name: "a")
            let violations: [(EngineError.Constraint, SQL)] = [
                (.primaryKey, "INSERT INTO things (id, name) VALUES (1, 'b')"),
                (.unique, "INSERT INTO things (id, name) VALUES (2, 'a')"),
                (.notNull, "INSERT INTO things (id, name) VALUES (3, NULL)"),
                (.check, "INSERT INTO things (id, name, number) VALUES (4, 'c', 13)"),
                (.foreignKey, "INSERT INTO things (id, name, parent) VALUES (5, 'd', 99)"),
            ]
            for (kind, statement) in violations {
                let error = try expectFailure(.constraint(kind)) { try rig.writer.execute(statement) }
                try expect(error.engineCode != 0 || rig.engine.dialect.name != .sqlite, "the engine's code is kept")
            }
            try expect(try rig.count() == 1, "nothing was added")
        },
        EnginePromise("a parent can't go while it has children") { rig in
            try rig.insert(1, name: "parent")
            try rig.writer.execute("INSERT INTO things (id, name, parent) VALUES (2, 'child', 1)")
            try expectFailure(.constraint(.foreignKey)) { try rig.writer.execute("DELETE FROM things WHERE id = 1") }
            try expect(try rig.count() == 2, "both are there")
        },
        EnginePromise("a violation names no value") { rig in
            try rig.insert(1, name: "swordfish")
            let error = try expectFailure(.constraint(.unique)) { try rig.insert(2, name: "swordfish") }
            try expect(!error.description.contains("swordfish"), "the value isn't in \(error)")
        },
    ]
}
