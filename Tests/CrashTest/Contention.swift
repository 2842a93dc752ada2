internal import FaultLoad
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// Writers of small transactions, until killed: some of them fail, some sleep with every lock held.
struct Contention {
    let place: String
    /// Where acknowledgements go, one write for each: a pipe would make the writers wait for their reader.
    let file: String
    let seed: UInt64
    private static let writers = 4

    private struct RolledBack: Error {}

    func run() async {
        let descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return say("error other \(file)") }
        do {
            let store = try await Metastore.open(.place(place))
            say("open")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<Self.writers {
                    group.addTask { try await write(store, writer, to: descriptor) }
                }
                try await group.waitForAll()
            }
        } catch {
            say(describe(error))
            exit(1)
        }
    }

    private func write(_ store: Metastore, _ writer: Int, to descriptor: Int32) async throws {
        var random = SplitMix(state: seed &* 31 &+ UInt64(writer))
        var made = 0
        while true {
            made += 1
            let (name, dice) = ("\(seed)-\(writer)-\(made)", random.next())
            if dice % 64 == 0 { try await Task.sleep(for: .milliseconds(dice >> 8 & 7)) }
            do {
                let written = try await store.committed { tx in
                    try tx.keyValue.put(EntryKey("t/\(name)"), "x")
                    if dice % 64 == 1 { usleep(UInt32(dice >> 8 & 0xfff)) }
                    if dice % 16 == 2 { throw RolledBack() }
                }
                let line = Array("ack t/\(name) \(written.position.revision.rawValue)\n".utf8)
                _ = Glibc.write(descriptor, line, line.count)
            } catch is RolledBack {
                let line = Array("back t/\(name)\n".utf8)
                _ = Glibc.write(descriptor, line, line.count)
            }
        }
    }
}
