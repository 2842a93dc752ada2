// Invariants
// 1. Nothing of an answer is believed before its segments were read: their checksums and links prove them.
// 2. A call ends: what a server may take is bounded by the time it was asked to wait, and a grace.
// 3. A redirection isn't followed, and a token goes to the server that it was given for.

internal import AsyncHTTPClient
package import FoundationEssentials
internal import Metastore
package import MetastoreModel
public import MetastoreReplication
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// How a follower reaches a server, and what it says who it is.
public struct ServerAddress: Sendable {
    /// Where the server is: `https://master-0.example:7400`.
    public var url: String
    /// What it says who it is, if it is a token.
    public var token: String?
    /// The file, in PEM, of the authorities that the server's certificate must come from; the system's unless given.
    public var authorities: String?
    /// The files, in PEM, of the certificate that it shows, and its key.
    public var certificate: (chain: String, key: String)?
    /// The name under which it acknowledges what it has applied; it doesn't unless given.
    public var name: String?
    /// An answer may take so long beyond the time that it may wait.
    public var grace: Duration = .seconds(10)
    /// A connection may take so long.
    public var connecting: Duration = .seconds(5)

    /// A server by its URL.
    public init(url: String) { self.url = url }
}

/// Why a server can't be asked at all.
public enum ServerAddressError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The URL, or a file.
    case unusable(what: String, reason: String)

    /// What is, and what to do.
    public var description: String {
        switch self {
        case .unusable(let what, let reason): "\(what) can't be used: \(reason)"
        }
    }
}

extension FollowedSource {
    /// A live master, or another follower, that serves its store.
    ///
    /// - Throws: ``ServerAddressError`` for a URL or a file that can't be used.
    public static func server(_ address: ServerAddress) throws(ServerAddressError) -> FollowedSource {
        FollowedSource(try ServerLogSource(address))
    }
}

/// A server's log as a source.
package final class ServerLogSource: LogSource {
    package let place: String
    let address: ServerAddress
    let client: HTTPClient

    package init(_ address: ServerAddress) throws(ServerAddressError) {
        let isSecure = address.url.hasPrefix("https://")
        guard isSecure || address.url.hasPrefix("http://"), !address.url.contains("@") else {
            throw .unusable(
                what: "the URL", reason: "it begins neither with https:// nor with http://, or names a user")
        }
        guard isSecure || address.token == nil || address.isLoopback else {
            throw .unusable(what: "the token", reason: "it would be sent without TLS. Begin the URL with https://")
        }
        var base = address.url
        while base.hasSuffix("/") { base.removeLast() }
        place = base
        self.address = address
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: TimeAmount(address.connecting)))
        if isSecure { configuration.tlsConfiguration = try address.tls }
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }

    deinit {
        let client = client
        Task.detached { try? await client.shutdown() }
    }

    package func cluster() async throws(LogSourceError) -> UUID {
        let object = try await object("/v1/health")
        guard let text = object["cluster"]?.string, let cluster = UUID(uuidString: text) else {
            throw .damaged(reason: "its health has no cluster")
        }
        return cluster
    }

    package func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        let (headers, body) = try await get(
            "/v1/log?after=\(place.position)&wait=\(waiting / .seconds(1))", waiting: waiting,
            limit: Limits.segmentObjectBytes + Limits.segmentBytes)
        guard let text = headers.first(name: "metastore-newest"), let newest = Position(text) else {
            throw .damaged(reason: "its answer doesn't say how far it is")
        }
        return SourceAnswer(parts: try Self.parts(body), newest: newest.revision)
    }

    /// Reads the segments of an answer.
    package static func parts(_ body: ByteBuffer) throws(LogSourceError) -> [LogPart] {
        try SegmentFrames.parts(Array(buffer: body))
    }

    package func acknowledge(_ revision: Revision) async throws(LogSourceError) {
        guard let name = address.name else { return }
        let text = "{\"name\":\(JSON.quoted(name)),\"revision\":\(revision.rawValue)}"
        _ = try await send(.POST, "/v1/acknowledgements", body: text, within: address.grace, limit: 1 << 16)
    }

    // MARK: Comparing

    package func rowDigests(at position: Position) async throws(LogSourceError) -> [RecordKind: UInt128]? {
        let object = try await object("/v1/digests?at=\(position)", patience: Self.reading)
        guard case .object(let rows)? = object["rows"] else { throw .damaged(reason: "its answer has no rows") }
        var digests: [RecordKind: UInt128] = [:]
        for (name, value) in rows {
            guard let kind = RecordKind(name: name) else { continue }
            digests[kind] = try Self.sum(value)
        }
        return digests
    }

    package func sums(of kind: RecordKind, at position: Position) async throws(LogSourceError) -> [UInt128] {
        let object = try await object("/v1/digests?at=\(position)&kind=\(kind.name)", patience: Self.reading)
        guard case .array(let values)? = object["sums"] else { throw .damaged(reason: "its answer has no sums") }
        var sums: [UInt128] = []
        for value in values { sums.append(try Self.sum(value)) }
        return sums
    }

    package func hashes(
        of kind: RecordKind, in parts: Set<Int>, at position: Position, most: Int
    ) async throws(LogSourceError) -> [String: UInt128]? {
        let numbers = parts.sorted().map(String.init).joined(separator: ",")
        let path = "/v1/digests?at=\(position)&kind=\(kind.name)&parts=\(numbers)"
        switch try await object(path, patience: Self.reading)["rows"] {
        case .null?: return nil
        case .object(let rows)?:
            guard rows.count <= most else { return nil }
            var found: [String: UInt128] = [:]
            for (key, value) in rows { found[key] = try Self.sum(value) }
            return found
        default: throw .damaged(reason: "its answer has no rows")
        }
    }

    /// All rows are read for it.
    private static let reading: Duration = .seconds(600)

    private static func sum(_ value: JSON) throws(LogSourceError) -> UInt128 {
        guard let text = value.string, let sum = UInt128(text, radix: 16) else {
            throw .damaged(reason: "a sum is not of its form")
        }
        return sum
    }

    // MARK: Asking

    private func object(_ path: String, patience: Duration = .zero) async throws(LogSourceError) -> JSONObject {
        let (_, body) = try await get(path, waiting: patience, limit: 64 << 20)
        return try Self.object(body)
    }

    private static func object(_ body: ByteBuffer) throws(LogSourceError) -> JSONObject {
        do {
            return try JSONObject(parsing: String(buffer: body))
        } catch {
            throw .damaged(reason: "its answer is no JSON object")
        }
    }

    private func get(
        _ path: String, waiting: Duration, limit: Int
    ) async throws(LogSourceError) -> (HTTPHeaders, ByteBuffer) {
        try await send(.GET, path, body: nil, within: waiting + address.grace, limit: limit)
    }

    private func send(
        _ method: HTTPMethod, _ path: String, body: String?, within time: Duration, limit: Int
    ) async throws(LogSourceError) -> (HTTPHeaders, ByteBuffer) {
        var request = request(path)
        request.method = method
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response: HTTPClientResponse
        let content: ByteBuffer
        do {
            response = try await client.execute(request, timeout: TimeAmount(time))
            content = try await response.body.collect(upTo: limit)
        } catch {
            throw Self.failure(error)
        }
        guard (200..<300).contains(response.status.code) else { throw Self.refusal(response.status, content) }
        return (response.headers, content)
    }

    /// A request that says who asks.
    func request(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: place + path)
        if let token = address.token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        return request
    }

    static func failure(_ error: any Error) -> LogSourceError {
        switch error {
        case is NIOTooManyBytesError: .damaged(reason: "its answer is larger than any can be")
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            .refused(reason: "the server's certificate is of another name")
        case let error as NIOSSLError: .refused(reason: "TLS: \(error)")
        case let error as BoringSSLError: .refused(reason: "TLS: \(error)")
        default: .unavailable(reason: "\(error)")
        }
    }

    /// What a refusal says; of one without a body, what its status says.
    static func refusal(_ status: HTTPResponseStatus, _ body: ByteBuffer) -> LogSourceError {
        switch status.code {
        case 401: return .refused(reason: "it doesn't know the token or the certificate")
        case 403: return .refused(reason: "the token or the certificate has not the role to follow")
        default: break
        }
        guard let object = try? object(body) else { return .unavailable(reason: "it answers \(status)") }
        func position(_ name: String) -> Position? { object[name]?.string.flatMap { Position($0) } }
        switch object["error"]?.string {
        case "compacted": if let oldest = position("oldest") { return .compacted(oldest: oldest) }
        case "forked": if let common = position("lastCommon") { return .forked(lastCommon: common) }
        case "ahead":
            if let newest = object["newest"]?.integer { return .behind(newest: Revision(rawValue: newest)) }
        case "otherCluster": return .otherCluster
        default: break
        }
        return .unavailable(reason: "it answers \(status): \(object["message"]?.string ?? "")")
    }
}

extension ServerAddress {
    /// Whether it stays on this machine.
    fileprivate var isLoopback: Bool {
        let host = url.dropFirst("http://".count).prefix { $0 != "/" }
        return ["127.0.0.1", "localhost", "[::1]"].contains { host == $0 || host.hasPrefix($0 + ":") }
    }

    fileprivate var tls: TLSConfiguration {
        get throws(ServerAddressError) {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.minimumTLSVersion = .tlsv12
            if let authorities {
                tls.trustRoots = .certificates(
                    try Self.read(authorities) { try NIOSSLCertificate.fromPEMFile($0) })
            }
            if let certificate {
                let chain = try Self.read(certificate.chain) { try NIOSSLCertificate.fromPEMFile($0) }
                tls.certificateChain = chain.map { .certificate($0) }
                tls.privateKey = .privateKey(
                    try Self.read(certificate.key) { try NIOSSLPrivateKey(file: $0, format: .pem) })
            }
            return tls
        }
    }

    private static func read<Value>(_ path: String, _ body: (String) throws -> Value) throws(ServerAddressError)
        -> Value
    {
        do {
            return try body(path)
        } catch {
            throw .unusable(what: path, reason: "\(error)")
        }
    }
}
