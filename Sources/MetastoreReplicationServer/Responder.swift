// Invariant: who asks is known before anything else is looked at, and a refusal says nothing but that it is one.

internal import HTTPTypes
internal import HummingbirdCore
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// Answers the requests of a server.
final class Responder: Sendable {
    let store: Metastore
    let options: ReplicationServerOptions
    let connections: OpenConnections
    let work: OngoingWork
    let counts = Mutex(Counts())

    /// What a server tells of its own work.
    struct Counts {
        var answers: [Int: Int] = [:]
        var bytes = 0
        /// Snapshots that are being sent.
        var snapshots = 0
    }

    init(
        store: Metastore, options: ReplicationServerOptions, connections: OpenConnections, work: OngoingWork
    ) {
        self.store = store
        self.options = options
        self.connections = connections
        self.work = work
    }

    var source: StoreLogSource { StoreLogSource(store) }

    @concurrent func respond(to request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel)
        async throws
    {
        let head = request.head
        guard let endpoint = Endpoint(request) else {
            return try await send(Reply(await holder(head, channel) == nil ? .unauthorized : .notFound), writer)
        }
        switch await permission(endpoint.role, head, channel) {
        case .refused(let status): return try await send(Reply(status), writer)
        case .granted(let name):
            switch endpoint {
            case .changes where head.headerFields[.accept]?.contains("text/event-stream") == true:
                return try await sendEvents(request, writer)
            case .snapshot where wantsRows(request): return try await sendSnapshot(writer)
            case .snapshot: return try await sendSeed(writer)
            default: try await send(await reply(endpoint, request, name), writer)
            }
        }
    }

    /// The answer to a request that is allowed.
    private func reply(_ endpoint: Endpoint, _ request: Request, _ name: String?) async -> Reply {
        do {
            return switch endpoint {
            case .log: try await log(request)
            case .changes: try await changes(request)
            case .acknowledgements: try await acknowledge(request, name)
            case .health: try await health()
            case .metrics: try await metrics()
            case .digests: try await digests(request)
            case .snapshot: Reply(.notFound)
            }
        } catch {
            return Self.refusal(error)
        }
    }

    // MARK: Who asks

    private enum Permission {
        /// With the name of the credential, where there are any.
        case granted(String?)
        case refused(HTTPResponse.Status)
    }

    private func permission(_ role: AccessRole, _ head: HTTPRequest, _ channel: any Channel) async -> Permission {
        guard options.access != nil else {
            // A page in a browser on this machine may not read the store by another name of loopback.
            let host = Self.host(of: head.authority ?? "")
            return ReplicationServerOptions.isLoopback(host) ? .granted(nil) : .refused(.misdirectedRequest)
        }
        guard let holder = await holder(head, channel) else { return .refused(.unauthorized) }
        return holder.role.includes(role) ? .granted(holder.name) : .refused(.forbidden)
    }

    /// Without the port. An IPv6 address stands in brackets, and has colons.
    private static func host(of authority: String) -> Substring {
        let end = authority.hasPrefix("[") ? authority.firstIndex(of: "]").map(authority.index(after:)) : nil
        guard let colon = authority[(end ?? authority.startIndex)...].firstIndex(of: ":") else { return authority[...] }
        return authority[..<colon]
    }

    private func holder(_ head: HTTPRequest, _ channel: any Channel) async -> AccessList.Holder? {
        guard let access = options.access else { return AccessList.Holder(name: "", role: .follow) }
        if let given = head.headerFields[.authorization] {
            guard given.lowercased().hasPrefix("bearer ") else { return nil }
            return access.holder(token: String(given.dropFirst("bearer ".count)))
        }
        guard options.tls?.clientAuthorities != nil else { return nil }
        guard let certificate = try? await channel.nioSSL_peerCertificate().get() else { return nil }
        return access.holder(certificate: certificate)
    }

    // MARK: Sending

    @concurrent func send(_ reply: Reply, _ writer: consuming ResponseWriter) async throws {
        count(reply.status, reply.body.readableBytes)
        var body = try await writer.writeHead(reply.head)
        if reply.body.readableBytes > 0 { try await body.write(reply.body) }
        try await body.finish(nil)
    }

    func count(_ status: HTTPResponse.Status, _ bytes: Int) {
        counts.withLock { counts in
            counts.answers[status.code, default: 0] += 1
            counts.bytes += bytes
        }
    }

    static func refusal(_ error: any Error) -> Reply {
        switch error {
        case let error as BadRequest: .refusal(.badRequest, "badRequest", error.reason)
        case StoreError.compacted(let oldest):
            .refusal(.gone, "compacted", "\(error)", [("oldest", JSON.quoted("\(oldest)"))])
        case StoreError.forked(let common):
            .refusal(.conflict, "forked", "\(error)", [("lastCommon", JSON.quoted("\(common)"))])
        case StoreError.futureRevision(_, let head):
            .refusal(.conflict, "ahead", "\(error)", [("newest", "\(head)")])
        case StoreError.otherCluster: .refusal(.conflict, "otherCluster", "\(error)")
        case is StoreError: .refusal(.serviceUnavailable, "store", "\(error)")
        default: .refusal(.internalServerError, "server", "the request failed. Try again")
        }
    }
}

/// What was asked for doesn't make sense.
struct BadRequest: Error {
    let reason: String
}

/// What can be asked for.
enum Endpoint {
    case log, changes, snapshot, acknowledgements, health, metrics, digests

    init?(_ request: Request) {
        switch (request.method, request.uri.path) {
        case (.get, "/v1/log"): self = .log
        case (.get, "/v1/changes"): self = .changes
        case (.get, "/v1/snapshot"): self = .snapshot
        case (.post, "/v1/acknowledgements"): self = .acknowledgements
        case (.get, "/v1/health"): self = .health
        case (.get, "/v1/digests"): self = .digests
        case (.get, "/metrics"): self = .metrics
        default: return nil
        }
    }

    var role: AccessRole {
        switch self {
        case .log, .snapshot, .acknowledgements, .digests: .follow
        case .changes, .health, .metrics: .read
        }
    }
}
