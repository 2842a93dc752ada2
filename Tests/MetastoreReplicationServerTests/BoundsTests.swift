internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationServer
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A connection by hand.
private final class RawConnection {
    private let socket: Int32

    /// - Parameter waits: until it is connected.
    init(to port: Int, waits: Bool = true) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | (waits ? 0 : Int32(SOCK_NONBLOCK.rawValue)), 0)
        guard socket >= 0 else { throw Failure("socket") }
        var small: Int32 = 1_024
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &small, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 || !waits && errno == EINPROGRESS else { throw Failure("connect") }
    }

    deinit { Glibc.close(socket) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// One byte, if there is one within the time; 0 at the end.
    func byte(within milliseconds: Int32) -> Int {
        var poll = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, milliseconds) > 0 else { return -1 }
        var byte: UInt8 = 0
        return max(0, recv(socket, &byte, 1, 0))
    }

    /// Whether the server closed it, within the time.
    func isClosed(within milliseconds: Int) async -> Bool {
        await eventually(within: .milliseconds(milliseconds)) { self.byte(within: 0) == 0 }
    }
}

@Suite(.serialized, .timed) struct `A slow client of a server` {
    @Test func `hurts no follower: half-open connections, and one that reads a byte a second`() async throws {
        try await Served.with { _ in
            var options = ReplicationServerOptions()
            options.bounds.requestTime = .seconds(2)
            options.bounds.writeTime = .seconds(2)
            return options
        } _: { served in
            // More than the kernel takes for a client that reads nothing.
            var random = Seeded("noise")
            for number in 0..<8 {
                let words = (0..<400_000).map { _ in random.next() }
                let noise = words.withUnsafeBytes { Array($0) }
                try await served.store.keyValue.put(EntryKey(namespace: "large", key: "\(number)"), noise)
            }
            var halfOpen: [RawConnection] = []
            for number in 0..<50 {
                let connection = try RawConnection(to: served.server.port)
                if number.isMultiple(of: 2) { connection.send("GET /v1/log?after=") }
                halfOpen.append(connection)
            }
            let reader = try RawConnection(to: served.server.port)
            reader.send("GET /v1/snapshot HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            let follower = try await served.follower()
            for number in 0..<20 {
                try await served.store.keyValue.put(EntryKey(namespace: "n", key: "\(number)"), "v")
                try await follower.waitFor(served.store.position.revision, timeout: .seconds(30))
                if number.isMultiple(of: 5) { _ = reader.byte(within: 1_000) }
            }
            #expect(try await expectEqual(follower, served.store))
            for connection in halfOpen { #expect(await connection.isClosed(within: 20_000)) }
            await follower.close()
            // Whoever asks here is the last: the one that doesn't read on is gone, though it keeps its end.
            let isGone = try await eventually(within: .seconds(20)) {
                try await served.get("/metrics").body.contains("metastore_server_connections 1\n")
            }
            #expect(isGone)
            withExtendedLifetime(reader) {}
        }
    }

    @Test func `that sends its request a byte at a time is closed in time`() async throws {
        try await Served.with { _ in
            var options = ReplicationServerOptions()
            options.bounds.requestTime = .milliseconds(500)
            return options
        } _: { served in
            let heads = [
                "GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
                "POST /v1/acknowledgements HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n",
            ]
            for head in heads {
                let connection = try RawConnection(to: served.server.port)
                connection.send(head)
                var isClosed = false
                for _ in 0..<200 where !isClosed {
                    connection.send("x")
                    try await Task.sleep(for: .milliseconds(50))
                    isClosed = connection.byte(within: 0) == 0
                }
                #expect(isClosed, "\(head)")
            }
        }
    }

    /// A connection may be on its way from the listening socket to whoever serves it.
    @Test func `doesn't keep a server from stopping, nor does one that just comes`() async throws {
        let store = try await Metastore.open(.inMemory())
        for _ in 0..<Scale.of(400) {
            let server = try await ReplicationServer.start(store)
            let port = server.port
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask {
                        var open: [RawConnection] = []
                        while !Task.isCancelled {
                            open.append(try RawConnection(to: port, waits: false))
                            await Task.yield()
                            open.last?.send("GET /v1/changes?wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                            if open.count > 20 { open.removeFirst() }
                        }
                    }
                }
                try await Task.sleep(for: .milliseconds(20))
                let began = ContinuousClock.now
                await server.stop()
                #expect(ContinuousClock.now - began < .seconds(30))
                group.cancelAll()
            }
        }
        await store.close()
    }

    /// More connections than there may be wait to be accepted, and are served once others are gone.
    @Test func `takes no more connections than there may be`() async throws {
        try await Served.with { _ in
            var options = ReplicationServerOptions()
            options.bounds.connections = 3
            options.bounds.requestTime = .milliseconds(500)
            return options
        } _: { served in
            let waiting = try (0..<10).map { _ in try RawConnection(to: served.server.port) }
            #expect(try await served.get("/v1/health").status == 200)
            withExtendedLifetime(waiting) {}
        }
    }
}
