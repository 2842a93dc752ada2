internal import MetastoreEngine

extension EnginePromise {
    static let isolation: [EnginePromise] = [
        EnginePromise("a read holds one snapshot, from its beginning to its end", needsReaders: true) { rig in
            let reader = try rig.reader()
            try rig.insert(1, name: "a")
            try reader.begin(.read)
            // Before the reader's first query: the snapshot is that of the beginning.
            try rig.insert(2, name: "b")
            try expect(try rig.count(reader) == 1, "the later row isn't seen")
            try rig.insert(3, name: "c")
            try expect(try rig.count(reader) == 1, "still not")
            try reader.commit()
            try expect(try rig.count(reader) == 3, "afterwards all are")
        },
        EnginePromise("what isn't committed is seen by nobody else", needsReaders: true) { rig in
            let reader = try rig.reader()
            try rig.writer.begin(.write)
            try rig.insert(1, name: "a")
            try expect(try rig.count(reader) == 0, "not before the commit")
            try rig.writer.commit()
            try expect(try rig.count(reader) == 1, "but after it")
        },
        EnginePromise("a reader can't write", needsReaders: true) { rig in
            let reader = try rig.reader()
            try expectFailure(.readOnly) { try reader.execute("INSERT INTO things (id, name) VALUES (1, 'a')") }
            try expectFailure(.readOnly) { try reader.execute("CREATE TABLE more (id INTEGER PRIMARY KEY)") }
            try expectFailure(.readOnly) { try reader.begin(.write) }
            try expect(!reader.isInTransaction, "no transaction is left open")
        },
        EnginePromise("what a closed connection committed is there for the next", needsReaders: true) { rig in
            try rig.insert(1, name: "a")
            try rig.engine.settle(rig.writer)
            rig.writer.close()
            let next = try rig.engine.openWriter()
            defer { next.close() }
            try expect(try rig.count(next) == 1, "the row is there")
        },
        EnginePromise("a commit settled as unknown is there afterwards", needsReaders: true) { rig in
            try rig.insert(1, name: "a")
            rig.writer.close()
            try rig.engine.settleUnknownCommit()
            let next = try rig.engine.openWriter()
            defer { next.close() }
            try expect(try rig.count(next) == 1, "the row is there")
        },
    ]
}
