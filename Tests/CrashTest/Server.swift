internal import FaultLoad
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// Obeys commands on one store.
///
/// user ID, copy FROM TO ROWS (prints a line "began …", and one for each batch of so many rows),
/// open PATH [readonly|adopt|still]…   then: info, backfill, position, settle, put KEY VALUE, get KEY, perform REQUEST,
/// lead NAME, follow COUNT (prints a line "change REVISION KEY" each, from the beginning or from where it stopped),
/// verify, close
struct Server {
    private var store: Metastore?
    private var feed: Changes.Iterator?
    private var lead: Task<Void, any Error>?

    mutating func answer(_ line: String) async -> String {
        let words = line.split(separator: " ").map(String.init)
        do {
            let answer = try await obey(words)
            return answer.isEmpty ? "ok" : "ok " + answer
        } catch {
            return describe(error)
        }
    }

    private mutating func obey(_ words: [String]) async throws -> String {
        if words.first == "open" {
            var options = StoreOptions()
            options.engine.isReadOnly = words.contains("readonly")
            options.engine.busyTimeout = .milliseconds(500)
            if words.contains("adopt") { options.history = .adopt }
            // No second passes: what waits for one never happens.
            if words.contains("still") { options.time.monotonic = { .seconds(1_000) } }
            store = try await Metastore.open(.place(words[1]), options)
            return "\(getpid())"
        }
        if words.first == "user", let user = words.dropFirst().first.flatMap({ UInt32($0) }) {
            return setgid(user) == 0 && setuid(user) == 0 ? "" : "still root"
        }
        if words.count == 4, words[0] == "copy" { return try await copy(words) }
        guard let store, let command = words.first else { return "nothing is open" }
        switch (command, words.count) {
        case ("info", 1):
            let info = try await store.info()
            return "\(info.epoch.number) \(info.revision.rawValue)"
        case ("position", 1): return store.position.description
        // Changes nothing, and is answered once the writer's thread has done what opening left to it.
        case ("settle", 1):
            try await store.write { _ in }
            return ""
        case ("backfill", 1):
            let progress = try await store.backfills()
            return progress.map { "\($0.state.rawValue) \($0.rowsDone)" }.joined(separator: " ")
        case ("put", 3):
            let (key, value) = (EntryKey(words[1]), words[2])
            let written = try await store.committed { tx in try tx.keyValue.put(key, value).revision }
            return "\(written.value.rawValue)"
        case ("get", 2): return try await store.keyValue.get(EntryKey(words[1]))?.text ?? "-"
        case ("perform", 2):
            guard let request = Request(words[1]) else { return "no request" }
            return try await store.perform(request).description
        case ("lead", 2): return try await lead(store, words[1])
        case ("follow", 2): return try await follow(store, Int(words[1]) ?? 0)
        case ("verify", 1):
            let found = try await store.verify()
            return found.isClean ? "\(found.revision.rawValue)" : found.description
        case ("close", 1):
            await store.close()
            return "closed"
        default: return "no such command"
        }
    }

    private func copy(_ words: [String]) async throws -> String {
        var options = StoreCopy.Options()
        options.batchRows = Int(words[3]) ?? options.batchRows
        let copy = StoreCopy(from: .place(words[1]), to: .place(words[2]), options)
        let report = try await copy.run { event in
            switch event {
            case .began(let beginning): say("began \(beginning)")
            case .copied(let progress): say("copied \(progress.table) \(progress.rows)")
            case .verified(let progress): say("verified \(progress.table) \(progress.rows)")
            }
        }
        return "\(report.rows)"
    }

    /// Answers once it leads, and leads until the process ends or another does.
    private mutating func lead(_ store: Metastore, _ name: String) async throws -> String {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        lead = Task {
            defer { continuation.finish() }
            do {
                try await store.lead(as: name, timeToLive: .seconds(1)) { leadership in
                    continuation.yield("\(leadership.epoch.number)")
                    try await Task.sleep(for: .seconds(3600))
                }
            } catch {
                continuation.yield(describe(error))
            }
        }
        var answers = stream.makeAsyncIterator()
        return await answers.next() ?? "never"
    }

    private mutating func follow(_ store: Metastore, _ count: Int) async throws -> String {
        if feed == nil { feed = store.changes(after: try await store.position(at: 0)).makeAsyncIterator() }
        guard var iterator = feed else { return "" }
        for _ in 0..<count {
            guard let change = try await iterator.next() else { break }
            say("change \(change.revision.rawValue) \(change.key.path)")
        }
        feed = iterator
        return "\(count)"
    }
}
