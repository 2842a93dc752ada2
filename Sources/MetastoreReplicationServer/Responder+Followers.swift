internal import HTTPTypes
internal import HummingbirdCore
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import NIOCore

/// What followers ask for.
extension Responder {
    /// The log after a position, as segments, each behind its length.
    func log(_ request: Request) async throws -> Reply {
        let (source, position, wait) = (source, try request.position("after"), try wait(request))
        let bytes = options.bounds.answerBytes
        let (segments, head) = try await work.run {
            try await source.segments(after: position, waiting: wait, bytes: bytes)
        }
        var reply = Reply(segments.isEmpty ? .noContent : .ok, type: "application/vnd.metastore.segments")
        for segment in segments { reply.body.writeFrame(segment.bytes) }
        reply.headers[.newest] = "\(head.position)"
        return reply
    }

    func wait(_ request: Request) throws -> Duration {
        guard let text = request.parameter("wait") else { return .zero }
        guard let seconds = Double(text), seconds >= 0, seconds.isFinite else {
            throw BadRequest(reason: "wait is not a number of seconds")
        }
        return min(.seconds(min(seconds, 1e6)), options.bounds.waiting)
    }

    /// A store to begin with. An empty frame ends it: a body without one was cut off.
    @concurrent func sendSeed(_ writer: consuming ResponseWriter) async throws {
        let seed = options.seed ?? LogSeed(store: store, partBytes: options.bounds.answerBytes)
        do {
            try await seed.prepare()
        } catch {
            return try await self.send(Self.refusal(error), writer)
        }
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentType] = seed.contentType
        var body = try await writer.writeHead(head)
        var bytes = 0
        func send(_ part: [UInt8]) async throws {
            var buffer = ByteBuffer()
            buffer.writeFrame(part)
            try await body.write(buffer)
            bytes += buffer.readableBytes
        }
        try await seed.forEachPart(send)
        try await send([])
        try await body.finish(nil)
        count(.ok, bytes)
    }

    /// A follower says how far it is durable.
    func acknowledge(_ request: Request, _ name: String?) async throws -> Reply {
        let buffer = try await collect(request)
        let object: JSONObject
        do {
            object = try JSONObject(parsing: String(buffer: buffer))
        } catch {
            throw BadRequest(reason: "the body is no JSON object")
        }
        guard let revision = object["revision"]?.integer, revision >= 0 else {
            throw BadRequest(reason: "revision is not a number of a revision")
        }
        guard let who = name ?? object["name"]?.string, !who.isEmpty, who.utf8.count <= Limits.nameBytes else {
            throw BadRequest(reason: "name is missing or too long")
        }
        let head = try await store.logHead()
        guard revision <= head.position.revision.rawValue else {
            throw StoreError.futureRevision(asked: Revision(rawValue: revision), head: head.position.revision)
        }
        options.acknowledged(who, Revision(rawValue: revision))
        return Reply(.noContent)
    }

    private func collect(_ request: Request) async throws -> ByteBuffer {
        do {
            return try await request.body.collect(upTo: options.bounds.bodyBytes)
        } catch is NIOTooManyBytesError {
            throw BadRequest(reason: "the body is too long")
        }
    }

    /// The head's digests; with `at`, the sums over the rows at a position; with `kind`, those of its parts; with
    /// `parts`, the rows in them.
    func digests(_ request: Request) async throws -> Reply {
        guard request.parameter("at") != nil else {
            let head = try await store.logHead()
            let sums = RecordKind.allCases.map { ($0, head.digests[$0]) }
            return .json(members: [("position", JSON.quoted("\(head.position)")), ("digests", Self.object(sums))])
        }
        let position = try request.position("at")
        guard let name = request.parameter("kind") else {
            let sums = try await store.rowDigests(at: position)
            let sorted = sums.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
            return .json(members: [("position", JSON.quoted("\(position)")), ("rows", Self.object(sorted))])
        }
        guard let kind = RecordKind(name: name) else { throw BadRequest(reason: "there is no such kind") }
        guard let parts = request.parameter("parts") else {
            let sums = try await store.sums(of: kind, at: position)
            return .json(members: [("sums", "[" + sums.map { JSON.quoted(Self.text($0)) }.joined(separator: ",") + "]")]
            )
        }
        let numbers = parts.split(separator: ",").compactMap { Int($0) }.filter { (0..<RowParts.count).contains($0) }
        let rows = try await store.hashes(
            of: kind, in: Set(numbers), at: position, most: Limits.comparedPartRows)
        guard let rows else { return .json(members: [("rows", "null")]) }
        return .json(members: [
            ("rows", JSONLine.object(rows.sorted { $0.key < $1.key }.map { ($0.key, quoted($0.value)) }))
        ])
    }

    private func quoted(_ sum: UInt128) -> String { JSON.quoted(Self.text(sum)) }

    private static func object(_ sums: [(RecordKind, UInt128)]) -> String {
        JSONLine.object(sums.map { ($0.0.name, JSON.quoted(text($0.1))) })
    }

    private static func text(_ sum: UInt128) -> String {
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}

/// The whole log as a seed: whoever applies it has the store.
private struct LogSeed: Seed {
    let store: Metastore
    let partBytes: Int

    var contentType: String { "application/vnd.metastore.segments" }

    func prepare() async throws { _ = try await store.position(at: .absent) }

    func forEachPart(_ take: ([UInt8]) async throws -> Void) async throws {
        let source = StoreLogSource(store)
        let end = try await store.logHead().position.revision
        var place = try await store.position(at: .absent)
        while place.revision < end {
            for segment in try await source.segments(after: place, waiting: .zero, bytes: partBytes).segments {
                try await take(segment.bytes)
                let last = segment.records[segment.records.count - 1]
                place = LogPlace(last, of: segment.header.cluster).position
            }
        }
    }
}

extension ByteBuffer {
    /// A length of four bytes, the most significant first, and as many bytes.
    mutating func writeFrame(_ bytes: [UInt8]) {
        writeInteger(UInt32(bytes.count))
        writeBytes(bytes)
    }
}

extension Request {
    func parameter(_ name: String) -> String? {
        uri.queryParameters[Substring(name)].map { String($0) }
    }

    func position(_ name: String) throws -> Position {
        guard let text = parameter(name), let position = Position(text) else {
            throw BadRequest(reason: "\(name) is not a position: cluster:epoch:revision:chain")
        }
        return position
    }
}
