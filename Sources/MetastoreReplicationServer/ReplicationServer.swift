// Invariants
// 1. Nothing of the store leaves before it is known who asks, and that he may: an answer to anybody else has no body.
// 2. Memory is bounded by the connections: each holds at most one answer's part, and waits until the client took it.
// 3. A server that stops is never cancelled: a connection that was just accepted is taken from where it waits, and
//    closed. What is dropped there ends the process.

internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
public import Metastore
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Serves a store's log, changes and state over HTTP: to followers, and to everybody with `curl`.
///
/// ```swift
/// let server = try await ReplicationServer.start(store)
/// ```
/// docs/FORMAT.md has the endpoints. Listening beyond loopback needs TLS and an ``AccessList``.
public final class ReplicationServer: Sendable {
    /// The port it listens at.
    public let port: Int
    private let running: RunningServer

    private init(port: Int, running: RunningServer) {
        self.port = port
        self.running = running
    }

    /// Listens, and serves until ``stop()``. The store stays the caller's, who closes it afterwards.
    ///
    /// - Throws: ``ReplicationServerError``.
    public static func start(
        _ store: Metastore, _ options: ReplicationServerOptions = ReplicationServerOptions()
    ) async throws -> ReplicationServer {
        if let lacks = options.lacks { throw ReplicationServerError.open(host: options.host, lacks: lacks) }
        let (connections, work) = (OpenConnections(), OngoingWork())
        let logger = Logger(label: "metastore.server")
        let responder = Responder(store: store, options: options, connections: connections, work: work)
        let bounds = options.bounds
        let channel = HTTP1Channel(
            responder: { request, writer, channel in try await responder.respond(to: request, writer, channel) },
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ConnectionBounds(bounds, connections)],
                idleTimeout: TimeAmount(bounds.requestTime),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: bounds.headerBytes, maxHeaderListSize: bounds.headerBytes,
                    maxHeaderFieldCount: 100)))
        let configuration = ServerConfiguration(
            address: .hostname(options.host, port: options.port),
            availableConnectionsDelegate: .maximum(bounds.connections, logger: logger))
        let (ports, told) = AsyncStream.makeStream(of: Int.self)
        @Sendable func run(_ setup: some ServerChildChannel) -> RunningServer {
            let server = Server(
                childChannelSetup: setup, configuration: configuration,
                onServerRunning: { told.yield($0.localAddress?.port ?? 0) },
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
            let task = Task.detached {
                defer { told.finish() }
                try await server.run()
            }
            return RunningServer(task: task, connections: connections, work: work) {
                try? await server.shutdownGracefully()
            }
        }
        let running: RunningServer
        if let tls = options.tls {
            running = run(try TLSChannel(channel, tlsConfiguration: try tls.configuration(options.access)))
        } else {
            running = run(channel)
        }
        for await port in ports { return ReplicationServer(port: port, running: running) }
        do {
            try await running.task.value
            throw CancellationError()
        } catch {
            throw ReplicationServerError.address(host: options.host, port: options.port, reason: "\(error)")
        }
    }

    /// Closes every connection, and stops listening. Stopping twice is harmless.
    public func stop() async { await running.stop() }

    deinit {
        let running = running
        Task.detached { await running.stop() }
    }
}

/// A server's task, and how it ends.
fileprivate struct RunningServer: Sendable {
    let task: Task<Void, any Error>
    let connections: OpenConnections
    let work: OngoingWork
    /// Accepts nothing any more, and returns when the last connection is closed.
    let shutDown: @Sendable () async -> Void

    func stop() async {
        work.end()
        await withTaskGroup { group in
            group.addTask { await shutDown() }
            // One that was accepted before may come yet, or wait for news.
            group.addTask {
                while !Task.isCancelled {
                    connections.closeAll()
                    try? await Task.sleep(for: .milliseconds(20))
                }
            }
            await group.next()
            group.cancelAll()
        }
        _ = await task.result
    }
}

extension ReplicationServerOptions {
    /// What keeps it from listening at its address; nil for nothing.
    fileprivate var lacks: String? {
        guard !isLoopback else { return nil }
        if tls == nil { return "certificate" }
        return access == nil ? "access list" : nil
    }

    var isLoopback: Bool { Self.isLoopback(host) }

    static func isLoopback(_ host: some StringProtocol) -> Bool {
        let isNumber = host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." }
        return host == "localhost" || host == "::1" || host == "[::1]" || isNumber
    }
}

extension ServerTLS {
    fileprivate func configuration(_ access: AccessList?) throws(ReplicationServerError) -> TLSConfiguration {
        try OwnFile.check(key)
        let chain = try read(certificates) { try NIOSSLCertificate.fromPEMFile($0) }
        let key = try read(key) { try NIOSSLPrivateKey(file: $0, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        guard let clientAuthorities else { return configuration }
        let authorities = try read(clientAuthorities) { try NIOSSLCertificate.fromPEMFile($0) }
        configuration.trustRoots = .certificates(authorities)
        // Where there are tokens, too, a client without a certificate may have one.
        configuration.certificateVerification =
            access?.hasTokens == true ? .optionalVerification : .noHostnameVerification
        return configuration
    }

    private func read<Value>(_ path: String, _ body: (String) throws -> Value) throws(ReplicationServerError) -> Value {
        do {
            return try body(path)
        } catch {
            throw .file(path: path, reason: "\(error)")
        }
    }
}
