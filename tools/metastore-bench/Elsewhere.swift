import ArgumentParser
import Glibc
import Metastore
import MetastoreModel

/// From a commit in one process to a watcher in another: run the watcher, then the writer, and compare their times.
struct Elsewhere: AsyncParsableCommand {
    enum Role: String, ExpressibleByArgument, CaseIterable { case writer, watcher }

    static let configuration = CommandConfiguration(
        abstract: "Prints when each commit was answered (writer), or seen (watcher), in nanoseconds of one clock.")
    @OptionGroup var place: Place

    @Option(help: "Which of the two processes this is.")
    var role: Role

    @Option(help: "How many commits.")
    var commits = 500

    func run() async throws {
        let store = try await place.open()
        switch role {
        case .writer:
            for number in 0..<commits {
                try await store.keyValue.put(EntryKey(namespace: "elsewhere", key: "\(number)"), "\(number)")
                say("answered \(number) \(Self.now())")
                try await Task.sleep(for: .milliseconds(5))
            }
        case .watcher:
            let start = store.position
            say("watching")
            var seen = 0
            for try await change in store.changes(after: start, of: .keyValue) {
                guard case .keyValue(let entry) = change, let key = entry.after?.key else { continue }
                say("seen \(key) \(Self.now())")
                seen += 1
                if seen == commits { break }
            }
        }
        await store.close()
    }

    /// At once: another process waits for it.
    private func say(_ line: String) {
        var text = line + "\n"
        _ = text.withUTF8 { write(1, $0.baseAddress, $0.count) }
    }

    /// The same clock in every process of this machine.
    private static func now() -> Int64 {
        let (seconds, attoseconds) = TimeSource.system.monotonic().components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
