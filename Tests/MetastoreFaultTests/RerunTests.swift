internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import Synchronization
internal import Testing

extension Faults {
    @Suite(.serialized, .timed) struct `An error that ends the SQL transaction in the middle of a batch` {
        let place: Place
        init() throws { place = try Place() }

        /// The batch is held until all have been queued behind its first closure.
        private func inOneBatch(_ store: Metastore, _ bodies: [@Sendable () async throws -> Void]) async -> [(
            any Error
        )?] {
            let gate = Flag()
            return await withTaskGroup(of: (Int, (any Error)?).self) { group in
                group.addTask {
                    _ = try? await store.write { _ in while !gate.isSet { usleep(500) } }
                    return (-1, nil)
                }
                usleep(5_000)
                for (number, body) in bodies.enumerated() {
                    group.addTask {
                        do {
                            try await body()
                            return (number, nil)
                        } catch {
                            return (number, error)
                        }
                    }
                }
                try? await Task.sleep(for: .milliseconds(40))
                gate.set()
                var errors = [(any Error)?](repeating: nil, count: bodies.count)
                for await (number, error) in group where number >= 0 { errors[number] = error }
                return errors
            }
        }

        @Test(arguments: [false, true])
        func `its companions run once more and have their effects once`(_ inMemory: Bool) async throws {
            let source = inMemory ? EngineSource.inMemory() : .sqlite(place.path)
            let store = try await Metastore.open(source.failing(at: "poison"))
            let runs = Mutex<[Int: Int]>([:])
            let requests = (0..<6).map { Request(operation: OperationID().uuid, writer: $0 % 2, trials: 2) }
            let first = try await store.write { tx in try tx.experiments.create(NewExperiment(name: "fed", config: [:]))
            }
            var batches = store.changes(as: "effects", of: .experiments).makeAsyncIterator()
            let fed = try #require(try await batches.next())
            var bodies: [@Sendable () async throws -> Void] = requests.map { request in
                { _ = try await store.perform(request) }
            }
            for number in 0..<6 {
                bodies.append {
                    try await store.write { tx in
                        runs.withLock { $0[number, default: 0] += 1 }
                        try tx.keyValue.add(1, to: EntryKey("companions/\(number)"))
                    }
                }
            }
            bodies.insert({ try await store.write { tx in _ = try tx.keyValue.put("poison/a", "poison") } }, at: 9)
            bodies.insert({ try await store.write { tx in _ = try tx.experiments.get(ID(rawValue: 99_999)) } }, at: 4)
            bodies.append {
                try await fed.process { _, tx in try tx.keyValue.add(1, to: EntryKey("effects/\(first.id)")) }
            }
            let before = store.position.revision.rawValue
            let errors = await inOneBatch(store, bodies)
            #expect(errors.indices.filter { errors[$0] != nil } == [4, 10])
            #expect((errors[4] as? StoreError)?.label == "notFound")
            #expect((errors[10] as? StoreError)?.label == "diskFull")
            #expect(runs.withLock { $0.values.contains { $0 > 1 } }, "nothing ran twice: the test forced no re-run")
            for number in 0..<6 { #expect(try await store.number(EntryKey("companions/\(number)")) == 1) }
            #expect(try await store.number("counters/0") == 3)
            #expect(try await store.number("counters/1") == 3)
            #expect(try await store.number(EntryKey("effects/\(first.id)")) == 1)
            #expect(try await store.keyValue.get("poison/a") == nil)
            #expect(store.position.revision.rawValue == before + 13)
            for request in requests { #expect(try await store.perform(request).count > 0) }
            #expect(store.position.revision.rawValue == before + 13)
            #expect(try await store.verify().findings == [])
            await store.close()
        }

        /// They waited for the writer's next look at its queue: half a second each.
        @Test func `in memory, reads don't wait for housekeeping`() async throws {
            let store = try await Metastore.open(.inMemory())
            let began = ContinuousClock.now
            for _ in 0..<100 { #expect(try await store.number("a/b") == 0) }
            #expect(ContinuousClock.now - began < .seconds(3))
            await store.close()
        }

        /// The same from the device itself: a closure too big for it, which SQLite notices in a statement.
        @Test(.enabled(if: isRoot)) func `as a device without room makes it`() async throws {
            try place.mount(megabytes: 16)
            var options = StoreOptions()
            options.engine.cacheBytes = 1 << 20
            let store = try await Metastore.open(.sqlite(place.path), options)
            let big: @Sendable () async throws -> Void = {
                try await store.write { tx in
                    for number in 0..<4 {
                        try tx.keyValue.put(EntryKey("big/\(number)"), [UInt8](repeating: 3, count: 6 << 20))
                    }
                }
            }
            var bodies: [@Sendable () async throws -> Void] = []
            for number in 0..<8 {
                bodies.append {
                    try await store.write { tx in _ = try tx.keyValue.add(1, to: EntryKey("small/\(number)")) }
                }
            }
            bodies.insert(big, at: 4)
            let errors = await inOneBatch(store, bodies)
            #expect(errors.indices.filter { errors[$0] != nil } == [4], "\(errors)")
            #expect((errors[4] as? StoreError) == .diskFull)
            for number in 0..<8 { #expect(try await store.number(EntryKey("small/\(number)")) == 1) }
            #expect(try await store.keyValue.get("big/0") == nil)
            #expect(try await store.verify().findings == [])
            await store.close()
        }
    }
}

/// A sign from one thread to another.
final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}
