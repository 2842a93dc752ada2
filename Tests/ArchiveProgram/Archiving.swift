internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite

/// Writes to a store that is archived, until it is killed.
func archive(target: DirectoryTarget, store path: String, writers: Int) async throws {
    let store = try await Metastore.open(.sqlite(path))
    let archiver = try Archiver(store, target)
    try await withThrowingTaskGroup { group in
        group.addTask { try await archiver.run() }
        for writer in 0..<writers {
            group.addTask {
                for number in 0..<Int.max {
                    let key = EntryKey(namespace: "w\(writer)", key: "\(store.position.revision)-\(number)")
                    let committed = try await store.committed(until: .archived) { tx in
                        try tx.keyValue.put(key, [UInt8](repeating: UInt8(number & 255), count: number % 3_000))
                    }
                    say("archived \(key.namespace)/\(key.key) \(committed.position.revision)")
                }
            }
        }
        try await group.waitForAll()
    }
}
