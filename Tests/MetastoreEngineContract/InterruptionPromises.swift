internal import Dispatch
internal import MetastoreEngine

extension EnginePromise {
    static let interruption: [EnginePromise] = [
        EnginePromise("a running query ends when it is interrupted, and the connection goes on") { rig in
            let interrupt = rig.writer.interrupter()
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(50), execute: interrupt)
            try expectFailure(.interrupted) { _ = try rig.writer.first(endless) { row in try row.integer(0) } }
            try rig.insert(1, name: "a")
            try expect(try rig.count() == 1, "the connection goes on")
        },
        EnginePromise("an interruption while nothing runs harms nothing") { rig in
            let interrupt = rig.writer.interrupter()
            interrupt()
            try rig.insert(1, name: "a")
            interrupt()
            try expect(try rig.count() == 1, "the row is there")
        },
        EnginePromise("after an interrupted write the error says whether its transaction ended") { rig in
            let interrupt = rig.writer.interrupter()
            try rig.writer.begin(.write)
            try rig.insert(1, name: "a")
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(50), execute: interrupt)
            let error = try expectFailure(.interrupted) {
                try rig.writer.execute("INSERT INTO things (id, name) " + endless + " HAVING count(*) < 0")
            }
            try expect(error.endedTransaction != rig.writer.isInTransaction, "the error and the connection agree")
            rig.writer.rollback()
            try expect(try rig.count() == 0, "nothing is left")
        },
    ]
}

/// Counts for minutes.
private let endless: SQL = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000000)
    SELECT count(*), 'x' FROM n
    """
