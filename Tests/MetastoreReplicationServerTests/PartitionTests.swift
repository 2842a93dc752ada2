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

/// Another host, as far as the network goes, and the cable to it.
private final class OtherHost {
    let name: String
    private let here: String
    let address: String

    /// - Parameter number: of this process' hosts.
    init(_ number: Int) throws {
        let unique = Int(getpid()) % 60_000
        name = "metastore-\(unique)-\(number)"
        here = "ms\(unique)-\(number)"
        let network = "10.\(200 + number).\(unique / 250).\(unique % 250)"
        // A network of two addresses.
        let last = unique % 250 & ~1
        address = network.split(separator: ".").dropLast().joined(separator: ".") + ".\(last)"
        let other = network.split(separator: ".").dropLast().joined(separator: ".") + ".\(last + 1)"
        try FaultSupport.run("ip", "netns", "add", name)
        try FaultSupport.run("ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", name)
        try FaultSupport.run("ip", "addr", "add", address + "/31", "dev", here)
        try FaultSupport.run("ip", "link", "set", here, "up")
        try FaultSupport.run("ip", "-n", name, "addr", "add", other + "/31", "dev", "eth0")
        try FaultSupport.run("ip", "-n", name, "link", "set", "eth0", "up")
    }

    deinit { try? FaultSupport.run("ip", "netns", "del", name) }

    func cut() throws { try FaultSupport.run("ip", "link", "set", here, "down") }
    func mend() throws { try FaultSupport.run("ip", "link", "set", here, "up") }

    /// Whether this user may make one.
    static let isPossible: Bool = {
        guard isRoot, (try? OtherHost(9)) != nil else {
            print("network namespaces can't be made here: no partition is tested")
            return false
        }
        return true
    }()
}

@Suite(.serialized, .timed) struct `A follower on another host` {
    @Test(.enabled(if: OtherHost.isPossible))
    func `says that it is cut off, and gets there once it isn't`() async throws {
        let host = try OtherHost(1)
        let token = "follow-0123456789abcdef"
        try await withScratch { place in
            let certificates = try Certificates(in: place, server: "IP:\(host.address)")
            try await Served.with { _ in
                var options = ReplicationServerOptions()
                options.host = host.address
                options.tls = ServerTLS(certificates: certificates.path("server"), key: certificates.key("server"))
                var access = AccessList()
                try access.allow("replica", .follow, token: token)
                options.access = access
                return options
            } _: { served in
                let cluster = try await served.store.info().cluster
                let path = served.root + "/other.db"
                let process = try Tool(
                    [
                        "netns", "exec", host.name, CrashProcess.directory + "/metastore-follow-test", "server", path,
                        "https://\(host.address):\(served.server.port)", "\(cluster)", token,
                        certificates.path("authority"),
                    ], program: "/usr/sbin/ip")
                func isThere() -> Bool {
                    process.lines.contains { $0 == "\(served.store.position.revision) following" }
                }
                #expect(await eventually(within: .seconds(30)) { isThere() }, "\(process.lines.suffix(3))")
                for round in 0..<Seeded.count(40, least: 2) {
                    try host.cut()
                    try await served.store.keyValue.put(EntryKey(namespace: "cut", key: "\(round)"), "v")
                    let before = process.lines.count
                    #expect(
                        await eventually(within: .seconds(30)) {
                            process.lines.dropFirst(before).contains { $0.contains(" stalled") }
                        }, "\(process.lines.suffix(3))")
                    try host.mend()
                    #expect(await eventually(within: .seconds(60)) { isThere() }, "\(process.lines.suffix(3))")
                }
                process.send(SIGTERM)
                _ = process.end()
                let replica = try await Metastore.openReplica(.sqlite(path), of: cluster)
                #expect(try await replica.contents() == served.store.contents())
                await replica.close()
            }
        }
    }
}
