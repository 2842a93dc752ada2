internal import FaultLoad
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// Concurrent writers and a consumer, until killed or until each writer has made its requests.
struct Load {
    let path: String
    let seed: UInt64
    let count: Int?
    static let writers = 4

    func run() async {
        let store: Metastore
        do {
            store = try await Metastore.open(.place(path))
        } catch {
            say(describe(error))
            exit(1)
        }
        say("open")
        let consumer = Task { try await store.consume() }
        let failures = await withTaskGroup(of: (any Error)?.self) { group in
            for writer in 0..<Self.writers {
                group.addTask { await write(store, writer) }
            }
            var failures: [any Error] = []
            for await failure in group { if let failure { failures.append(failure) } }
            return failures
        }
        consumer.cancel()
        for failure in failures { say(describe(failure)) }
        await store.close()
        say("closed")
    }

    private func write(_ store: Metastore, _ writer: Int) async -> (any Error)? {
        var random = SplitMix(state: seed &* 31 &+ UInt64(writer))
        var made = 0
        while count.map({ made < $0 }) ?? true {
            let request = Request(operation: OperationID().uuid, writer: writer, trials: Int(random.next() % 4))
            say("try \(request)")
            do {
                say("ack \(request) \(try await store.perform(request))")
            } catch {
                return error
            }
            made += 1
        }
        return nil
    }
}
