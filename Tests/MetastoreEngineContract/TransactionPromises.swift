internal import MetastoreEngine

extension EnginePromise {
    static let transactions: [EnginePromise] = [
        EnginePromise("what is committed stays, what is rolled back goes") { rig in
            try rig.writer.begin(.write)
            try expect(rig.writer.isInTransaction, "a transaction is open")
            try rig.insert(1, name: "kept")
            try rig.writer.commit()
            try expect(!rig.writer.isInTransaction, "it ended")
            try rig.writer.begin(.write)
            try rig.insert(2, name: "gone")
            rig.writer.rollback()
            try expect(!rig.writer.isInTransaction, "it ended")
            try expect(try rig.count() == 1, "one row is there")
        },
        EnginePromise("rolling back outside a transaction does nothing") { rig in
            rig.writer.rollback()
            try rig.insert(1, name: "a")
            rig.writer.rollback()
            try expect(try rig.count() == 1, "the row is there")
        },
        EnginePromise("beginning twice, or committing nothing, is misuse") { rig in
            try expectFailure(.misuse) { try rig.writer.commit() }
            try rig.writer.begin(.write)
            let error = try expectFailure(.misuse) { try rig.writer.begin(.write) }
            try expect(!error.endedTransaction && rig.writer.isInTransaction, "the first goes on")
            rig.writer.rollback()
        },
        EnginePromise("a savepoint keeps or undoes its part alone") { rig in
            try rig.writer.begin(.write)
            for id: Int64 in 1...6 {
                try rig.writer.savepoint()
                try rig.insert(id, name: "\(id)")
                if id % 2 == 0 { try rig.writer.rollbackToSavepoint() } else { try rig.writer.releaseSavepoint() }
            }
            try rig.writer.commit()
            let ids = try rig.writer.all("SELECT id FROM things ORDER BY id") { row in try row.integer(0) }
            try expect(ids == [1, 3, 5], "the odd ones are there, not \(ids)")
        },
        EnginePromise("a failed statement leaves its transaction and savepoint usable") { rig in
            try rig.writer.begin(.write)
            try rig.writer.savepoint()
            try rig.insert(1, name: "a")
            try rig.writer.releaseSavepoint()
            try rig.writer.savepoint()
            let error = try expectFailure(.constraint(.primaryKey)) { try rig.insert(1, name: "b") }
            try expect(!error.endedTransaction && rig.writer.isInTransaction, "the transaction goes on")
            try rig.writer.rollbackToSavepoint()
            try rig.writer.savepoint()
            try rig.insert(2, name: "c")
            try rig.writer.releaseSavepoint()
            try rig.writer.commit()
            try expect(try rig.count() == 2, "two rows are there")
        },
        EnginePromise("a table made in a transaction goes with it") { rig in
            try rig.writer.begin(.write)
            try rig.writer.executeScript("CREATE TABLE more (id INTEGER PRIMARY KEY); INSERT INTO more VALUES (1);")
            rig.writer.rollback()
            try expectFailure(.misuse) { try rig.writer.execute("SELECT id FROM more") }
        },
    ]
}
