import Metastore
import MetastoreModel
import MetastoreTestSupport
import Synchronization
import Testing

/// Which of some writes were answered.
private final class Answered: Sendable {
    private let found = Mutex<[Int]>([])

    func note(_ number: Int) { found.withLock { $0.append(number) } }
    var numbers: [Int] { found.withLock { $0.sorted() } }
}

@Suite struct `A write that asks for more than this store` {
    private func entry(_ number: Int) -> EntryKey { EntryKey(namespace: "n", key: "\(number)") }

    @Test(arguments: TestEngine.allCases)
    func `is refused before it commits where nobody could bring it there`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let before = store.position
            for durability in [Durability.archived, .replicas(1)] {
                let error = await refusal {
                    try await store.write(until: durability) { try $0.keyValue.put("n/1", "x") }
                }
                guard case .notReplicating = error else {
                    Issue.record("\(error as Any)")
                    return
                }
            }
            store.replication.acknowledged(by: "one", through: before.revision)
            let error = await refusal { try await store.write(until: .replicas(2)) { try $0.keyValue.put("n/1", "x") } }
            #expect(error == .notReplicating(reason: "2 followers are asked for, and 1 follow"))
            #expect(store.position == before)
            let found = try await store.keyValue.get("n/1")
            #expect(found == nil)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `is answered when the archive has its revision, and not before`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let wanted = Counter()
            #expect(store.replication.beginArchiving { wanted.count() })
            #expect(!store.replication.beginArchiving {}, "one archiver is enough")
            let answered = Answered()
            var writes: [Task<Void, any Error>] = []
            var revisions: [Revision] = []
            for number in 0..<20 {
                let key = entry(number)
                writes.append(
                    Task {
                        try await store.write(until: .archived) { try $0.keyValue.put(key, "x") }
                        answered.note(number)
                    })
                #expect(try await eventually { try await store.keyValue.get(key) != nil })
                // A reader of a server's may have it before the writer's answer moves the store's own place.
                revisions.append(try #require(try await store.keyValue.get(key)).revision)
            }
            #expect(await eventually { wanted.value == 20 })
            #expect(store.replication.isArchiveAwaited && answered.numbers.isEmpty)
            store.replication.archived(through: Revision(rawValue: revisions[7].rawValue))
            for write in writes[...7] { try await write.value }
            #expect(answered.numbers == Array(0...7))
            // What went back is no news.
            store.replication.archived(through: revisions[0])
            #expect(store.replication.archived == revisions[7])
            store.replication.archived(through: revisions[19])
            for write in writes { try await write.value }
            // What is there already needs no wait.
            try await store.write(until: .archived) { tx in _ = try tx.keyValue.get(entry(0)) }
            #expect(wanted.value == 20 && !store.replication.isArchiveAwaited)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `is answered when so many followers have it`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let progress = store.replication
            for name in ["a", "b", "c"] { progress.acknowledged(by: name, through: store.position.revision) }
            let answers = Counter()
            async let write = {
                let committed = try await store.committed(until: .replicas(2)) { try $0.keyValue.put("n/1", "x") }
                answers.count()
                return committed.position.revision
            }()
            #expect(try await eventually { try await store.keyValue.get("n/1") != nil })
            // Of the entry, for the reason above: with the place before it the write would wait for ever.
            let revision = try #require(try await store.keyValue.get("n/1")).revision
            progress.acknowledged(by: "c", through: revision)
            progress.acknowledged(by: "c", through: Revision(rawValue: revision.rawValue + 100))
            progress.forget("a")
            try await Task.sleep(for: .milliseconds(50))
            #expect(answers.value == 0, "one follower is one, however far it is")
            progress.acknowledged(by: "b", through: revision)
            #expect(try await write == revision)
            #expect(progress.followers["b"] == revision && progress.followers["a"] == nil)
        }
    }

    /// Answered with what it lacks: it is there, and repeating its id waits again.
    @Test(arguments: TestEngine.allCases)
    func `says that it is committed when it waited for too long`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            _ = store.replication.beginArchiving {}
            store.replication.archived(through: store.position.revision)
            let operation = OperationID(bench.time.source)
            func write() async -> StoreError? {
                await refusal {
                    try await store.write(operation: operation, until: .archived) { tx in
                        try tx.keyValue.put("n/count", "\(try tx.keyValue.get("n/count").map { _ in 2 } ?? 1)")
                        return 7
                    }
                }
            }
            for _ in 0..<2 {
                async let answer = write()
                #expect(await eventually { store.replication.isArchiveAwaited })
                try await Task.sleep(for: .milliseconds(50))
                #expect(store.replication.isArchiveAwaited, "the clock stands still")
                bench.time.monotonic += bench.options.durabilityTimeout
                guard case .notReplicated(let position, _) = await answer else {
                    Issue.record("no such error")
                    return
                }
                #expect(position == store.position)
            }
            #expect(try await store.keyValue.get("n/count")?.value == Array("1".utf8), "it was done once")
            async let answer = write()
            #expect(await eventually { store.replication.isArchiveAwaited })
            store.replication.archived(through: store.position.revision)
            #expect(await answer == nil)
        }
    }

    /// A cancelled wait, an archiver that gave up, a store that closes: each is told that the write is there.
    @Test(arguments: TestEngine.allCases)
    func `says that it is committed when nobody waits for it any more`(_ engine: TestEngine) async throws {
        try await withBench(engine, verifying: false) { bench in
            let store = bench.store
            _ = store.replication.beginArchiving {}
            for round in 0..<3 {
                let write = Task {
                    await refusal { try await store.write(until: .archived) { try $0.keyValue.put(entry(round), "x") } }
                }
                #expect(await eventually { store.replication.isArchiveAwaited })
                let there = store.position
                switch round {
                case 0: write.cancel()
                case 1:
                    store.replication.refuseArchiving("two masters")
                    let refused = await refusal { try await store.write(until: .archived) { _ in } }
                    #expect(refused == .notReplicating(reason: "two masters"))
                    store.replication.resumeArchiving()
                default: await store.close()
                }
                let reason = ["the wait was cancelled", "two masters", "the store was closed"][round]
                #expect(await write.value == .notReplicated(position: there, reason: reason))
            }
            #expect(!store.replication.beginArchiving {})
        }
    }
}

@Suite struct `Writes while replication is behind` {
    @Test(arguments: TestEngine.allCases)
    func `are refused, but for consumers and the lead`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.keyValue.put("n/1", "x")
            store.replication.admission = .refused(reason: "the archive is far behind")
            let refused = StoreError.notAdmitted(reason: "the archive is far behind")
            #expect(await refusal { try await store.keyValue.put("n/2", "x") } == refused)
            let operation = OperationID(store.time)
            #expect(await refusal { try await store.write(operation: operation) { _ in 1 } } == refused)
            var iterator = store.changes(as: "scheduler").makeAsyncIterator()
            try await iterator.next()?.process { _, tx in try tx.keyValue.put("n/seen", "x") }
            try await store.lead(as: "master-0") { _ in }
            #expect(try await store.keyValue.get("n/seen") != nil)
            #expect(try await store.keyValue.get("n/2") == nil)
            store.replication.admission = .open
            try await store.keyValue.put("n/2", "x")
        }
    }

    @Test(arguments: TestEngine.exclusive)
    func `are slowed down by a pause a batch`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            store.replication.admission = .throttled(.seconds(3_600))
            let began = ContinuousClock.now
            for _ in 0..<5 { try await store.keyValue.put("n/1", "x") }
            #expect(ContinuousClock.now - began >= Limits.admissionPause * 5, "never longer than the bound")
            try await store.lead(as: "master-0") { _ in }
        }
    }
}
