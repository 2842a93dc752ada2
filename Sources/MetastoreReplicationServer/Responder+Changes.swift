// Invariants
// 1. A position is told once everything before it was sent: whoever goes on from the last one told misses nothing.
// 2. A stream says something at least every few seconds, so that a client that is gone is noticed.

internal import FoundationEssentials
internal import HTTPTypes
internal import HummingbirdCore
internal import Metastore
internal import MetastoreModel
internal import NIOCore
internal import Synchronization

/// What everybody may watch.
extension Responder {
    /// What somebody wants to see of the feed.
    private struct Wanted {
        var position: Position
        let kinds: RecordKinds
        let prefix: KeyPrefix?
    }

    private func wanted(_ request: Request) throws -> Wanted {
        var kinds = RecordKinds.all
        if let names = request.parameter("kinds") {
            kinds = []
            for name in names.split(separator: ",") {
                guard let kind = RecordKind(name: String(name)) else {
                    throw BadRequest(reason: "there are no \(name)")
                }
                kinds.insert(RecordKinds(kind))
            }
        }
        var position = store.position
        if let text = request.parameter("after") ?? request.headers[.lastEventID] {
            guard let given = Position(text) else {
                throw BadRequest(reason: "after is not a position: cluster:epoch:revision:chain")
            }
            position = given
        }
        return Wanted(position: position, kinds: kinds, prefix: request.parameter("under").map { KeyPrefix($0) })
    }

    /// The next batch with something wanted; nil when there was none for so long, and then the position it got to.
    private func batch(after wanted: Wanted, within patience: Duration) async throws -> ChangeBatch? {
        let store = store
        return try await work.run {
            try await withThrowingTaskGroup(of: ChangeBatch?.self) { group in
                group.addTask {
                    var batches = store.changes(after: wanted.position, of: wanted.kinds, under: wanted.prefix)
                        .batches.makeAsyncIterator()
                    return try await batches.next()
                }
                group.addTask {
                    try await Task.sleep(for: patience)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        }
    }

    /// One line for each commit, and the position after them.
    func changes(_ request: Request) async throws -> Reply {
        var wanted = try wanted(request)
        let end = ContinuousClock.now + (try wait(request))
        var lines = ByteBuffer()
        try await checkResumable(wanted.position)
        repeat {
            // Whoever is behind is answered at once; a batch that is there is not given up for a short wait.
            let isBehind = wanted.position.revision < store.position.revision
            let patience = isBehind ? max(.seconds(10), end - .now) : end - .now
            guard patience > .zero, let batch = try await batch(after: wanted, within: patience) else { break }
            for commit in batch.commits { lines.writeString(try commit.line + "\n") }
            wanted.position = batch.position
        } while lines.readableBytes == 0
        lines.writeString(JSONLine.object([("position", JSON.quoted("\(wanted.position)"))]) + "\n")
        return Reply(.ok, type: "application/x-ndjson", lines)
    }

    private func checkResumable(_ position: Position) async throws {
        _ = try await store.logStretch(after: position, bytes: 1)
    }

    /// Events until the client goes, or the time of a stream is over.
    @concurrent func sendEvents(_ request: Request, _ writer: consuming ResponseWriter) async throws {
        var wanted: Wanted
        do {
            wanted = try self.wanted(request)
            try await checkResumable(wanted.position)
        } catch {
            return try await self.send(Self.refusal(error), writer)
        }
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentType] = "text/event-stream"
        head.headerFields[.cacheControl] = "no-store"
        var body = try await writer.writeHead(head)
        var bytes = 0
        func send(_ text: String) async throws {
            bytes += text.utf8.count
            try await body.write(ByteBuffer(string: text))
        }
        try await send("id: \(wanted.position)\nevent: position\ndata: {}\n\n")
        let end = ContinuousClock.now + options.bounds.streamTime
        while ContinuousClock.now < end {
            do {
                guard let batch = try await batch(after: wanted, within: .seconds(5)) else {
                    try await send(": nothing yet\n\n")
                    continue
                }
                for commit in batch.commits { try await send("event: commit\ndata: \(try commit.line)\n\n") }
                wanted.position = batch.position
                try await send("id: \(wanted.position)\nevent: position\ndata: {}\n\n")
            } catch let error as StoreError {
                let text = JSONLine.object([("message", JSON.quoted("\(error)"))])
                try await send("event: refused\ndata: \(text)\n\n")
                break
            }
        }
        try await body.finish(nil)
        count(.ok, bytes)
    }

    // MARK: The store and the server

    func health() async throws -> Reply {
        let head = try await store.logHead()
        return .json(members: [
            ("status", "\"ok\""), ("cluster", JSON.quoted(head.position.cluster.uuidString.lowercased())),
            ("position", JSON.quoted("\(head.position)")), ("oldest", JSON.quoted("\(head.oldest)")),
            ("time", JSON.quoted("\(head.time)")), ("release", JSON.quoted(Metastore.version)),
        ])
    }

    /// In the text format of Prometheus, version 0.0.4.
    func metrics() async throws -> Reply {
        let head = try await store.logHead()
        let counts = counts.withLock { $0 }
        var text = ""
        func add(_ name: String, _ type: String, _ help: String, _ values: [(String, Int64)]) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            for (labels, value) in values { text += "\(name)\(labels) \(value)\n" }
        }
        add("metastore_revision", "gauge", "The newest revision.", [("", head.position.revision.rawValue)])
        add(
            "metastore_oldest_revision", "gauge", "The revision that the log goes back to.",
            [("", head.oldest.revision.rawValue)])
        add("metastore_epoch", "gauge", "The number of the epoch.", [("", head.position.epoch.number)])
        add(
            "metastore_last_commit_seconds", "gauge", "When the newest revision was committed, since 1970.",
            [("", head.time.microseconds / 1_000_000)])
        add("metastore_server_connections", "gauge", "Open connections.", [("", Int64(connections.count))])
        add("metastore_server_snapshots", "gauge", "Snapshots that are being sent.", [("", Int64(counts.snapshots))])
        add(
            "metastore_server_answers_total", "counter", "Answers by status.",
            counts.answers.sorted { $0.key < $1.key }.map { ("{status=\"\($0.key)\"}", Int64($0.value)) })
        add("metastore_server_bytes_total", "counter", "Bytes of bodies sent.", [("", Int64(counts.bytes))])
        return Reply(.ok, type: "text/plain; version=0.0.4; charset=utf-8", ByteBuffer(string: text))
    }
}
