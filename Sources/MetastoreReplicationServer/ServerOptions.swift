// Invariant: beyond loopback nobody is served without TLS, and nobody who doesn't say who he is.

public import MetastoreModel

/// How a store is served.
public struct ReplicationServerOptions: Sendable {
    /// The address to listen at: a name or a number.
    public var host = "127.0.0.1"
    /// The port; 0 takes one that is free.
    public var port = 0
    /// Certificate and key; needed beyond loopback.
    public var tls: ServerTLS?
    /// Who may do what; needed beyond loopback.
    public var access: AccessList?
    /// Bounds of connections and answers.
    public var bounds = ServerBounds()
    /// Called when a follower says that a revision is durable at its place. Its name is that of its credential; where
    /// there are none, the one it gives.
    public var acknowledged: @Sendable (_ name: String, _ revision: Revision) -> Void = { _, _ in }
    /// What a follower begins with that asks for segments; the whole log unless given.
    package var seed: (any Seed)?

    /// The defaults: loopback, without credentials.
    public init() {}
}

/// Certificates of a server, as files in PEM.
public struct ServerTLS: Sendable {
    /// The server's certificate, and those that lead to its authority.
    public var certificates: String
    /// Its key, which nobody else may read.
    public var key: String
    /// The authorities whose client certificates are taken; none unless given.
    public var clientAuthorities: String?

    /// Paths of files in PEM.
    public init(certificates: String, key: String, clientAuthorities: String? = nil) {
        self.certificates = certificates
        self.key = key
        self.clientAuthorities = clientAuthorities
    }
}

/// The bounds of a server. At each the connection is closed, or the request refused; what is in order goes on.
public struct ServerBounds: Sendable {
    /// So many connections at a time; others wait to be accepted.
    public var connections = 256
    /// From the connection, or the last answer, to the end of the next request.
    public var requestTime: Duration = .seconds(10)
    /// Header fields of a request, in bytes.
    public var headerBytes = 16 << 10
    /// The body of a request, in bytes.
    public var bodyBytes = 4 << 10
    /// How long a client may take nothing of what waits for it.
    public var writeTime: Duration = .seconds(30)
    /// The longest that a request may wait for news.
    public var waiting: Duration = .seconds(60)
    /// How long one stream of events lasts; the client comes again with the last event's id.
    public var streamTime: Duration = .seconds(3_600)
    /// So many snapshots are sent at a time; who asks for one more is answered 503, with when to try again.
    public var snapshots = 2
    /// How long one snapshot may take, whoever takes it. A slower client is told, and begins anew. Where the store's
    /// write-ahead log is full before, it is as long as the store's own reads may: `StoreOptions.snapshotAge`.
    public var snapshotTime = Limits.snapshotDuration
    /// About how many bytes one answer has, streams and snapshots excepted.
    public var answerBytes = Limits.segmentBytes

    /// The defaults.
    public init() {}
}

/// Why a server doesn't start.
public enum ReplicationServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It would listen beyond loopback without TLS, or without asking who is there.
    case open(host: String, lacks: String)
    /// A file can't be used.
    case file(path: String, reason: String)
    /// The address can't be listened at.
    case address(host: String, port: Int, reason: String)

    /// What is, why, and what to do.
    public var description: String {
        switch self {
        case .open(let host, let lacks):
            """
            \(host) is not loopback, and there is no \(lacks): everybody who reaches it could read the store. Give it \
            a certificate and an access list, or listen at 127.0.0.1.
            """
        case .file(let path, let reason): "\(path): \(reason)"
        case .address(let host, let port, let reason): "can't listen at \(host), port \(port): \(reason)"
        }
    }
}

/// What a new follower begins with.
package protocol Seed: Sendable {
    /// What its parts are, for whoever takes them.
    var contentType: String { get }

    /// Fails with a `StoreError` when there is nothing to begin with: afterwards nobody can be told.
    func prepare() async throws

    /// Hands on each part in turn; the closure returns once the client has taken it.
    func forEachPart(_ take: ([UInt8]) async throws -> Void) async throws
}
