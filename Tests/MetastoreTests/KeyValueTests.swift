import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Entries are found by the bytes of their keys` {
    private static let edges = [
        "a", "a/", "a/b", "aa", "b", "é", "e\u{301}", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{D7FF}x",
        "\u{E000}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}", "\u{10FFFF}\u{10FFFF}", "z\u{10FFFF}", "z\u{10FFFF}b", "z0",
        "%", "*", " ",
    ]

    @Test(arguments: TestEngine.allCases)
    func `by every prefix, also at the edges of Unicode`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                for key in Self.edges { try tx.keyValue.put(EntryKey(namespace: "n", key: key), key) }
                try tx.keyValue.put(EntryKey(namespace: "m", key: "a"), "")
                try tx.keyValue.put(EntryKey(namespace: "n2", key: "a"), "")
            }
            let sorted = Self.edges.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for prefix in Self.edges + ["", "z", "\u{D7FF}\u{10FFFF}", "q"] {
                let found = try await store.keyValue.list("n", prefix: prefix).records.map(\.key)
                let expected = sorted.filter { $0.utf8.starts(with: prefix.utf8) }
                #expect(found.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "prefix \(prefix)")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `watched by prefix, from the position of a list`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let page = try await store.keyValue.list("n")
            let watched = Task {
                var keys: [String] = []
                for try await change in store.changes(
                    after: page.position, under: .keyValue(namespace: "n", prefix: "é/%"))
                {
                    guard case .keyValue(let change) = change else { continue }
                    keys.append("\(change.operation) \(change.after?.key ?? change.before?.key ?? "")")
                    if keys.count == 3 { break }
                }
                return keys
            }
            for key in ["é", "é/%", "e\u{301}/%a", "é/%a", "é/"] {
                try await store.keyValue.put(EntryKey(namespace: "n", key: key), "1")
            }
            try await store.keyValue.put(EntryKey(namespace: "n2", key: "é/%b"), "1")
            try await store.keyValue.delete(EntryKey(namespace: "n", key: "é/%"))
            #expect(try await watched.value == ["created é/%", "created é/%a", "deleted é/%"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a key is read as its namespace and the rest`(_ engine: TestEngine) async throws {
        let key = EntryKey("defaults/pool/gpu")
        #expect(key.namespace == "defaults" && key.key == "pool/gpu" && key.description == "defaults/pool/gpu")
        #expect(EntryKey("alone").namespace.isEmpty)
        try await withStore(engine) { store in
            let entry = try await store.keyValue.put(key, "8x")
            #expect(entry.recordKey.path == "kv/defaults/pool%2Fgpu")
            #expect(try await store.keyValue.get(EntryKey(namespace: "defaults", key: "pool/gpu")) == entry)
            #expect(try await store.keyValue.delete(key))
            #expect(try await store.keyValue.delete(key) == false)
        }
    }
}
