// A process that follows into a store in a file, to be killed, and cut off, by the tests. It says a line for each new
// status: its revision and its state.
//
// archive STORE FOLDER CLUSTER
// server STORE URL CLUSTER TOKEN AUTHORITIES
// begin STORE URL CLUSTER          with a snapshot
// resnapshot STORE LEADER CLUSTER  replacing what is there, from a store in a file

internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationClient
internal import MetastoreSQLite

func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

let arguments = CommandLine.arguments
guard arguments.count >= 5, let cluster = UUID(uuidString: arguments[4]) else { exit(64) }
var options = FollowerOptions()
options.waiting = .seconds(1)
options.stallAfter = .seconds(1)
options.pauses = .milliseconds(1)...(.milliseconds(200))
options.comparing = nil
options.beginning = .wholeLog
do {
    let source: FollowedSource
    switch arguments[1] {
    case "resnapshot":
        var reading = StoreOptions()
        reading.engine.isReadOnly = true
        source = .store(try await Metastore.open(.sqlite(arguments[3]), reading))
        (options.resnapshots, options.beginning) = (.whenNeeded, .snapshot)
    case "begin":
        var address = ServerAddress(url: arguments[3])
        (address.grace, address.connecting) = (.seconds(5), .seconds(1))
        source = try .server(address)
        options.beginning = .snapshot
    case "archive":
        source = .archive(try DirectoryTarget(path: arguments[3]), of: cluster, polling: .milliseconds(2))
    default:
        var address = ServerAddress(url: arguments[3])
        (address.token, address.authorities) = (arguments[5], arguments[6])
        (address.grace, address.connecting) = (.seconds(1), .seconds(1))
        source = try .server(address)
    }
    let follower = try await Follower.open(.sqlite(arguments[2]), following: source, of: cluster, options)
    for await status in follower.statuses { say("\(status.position.revision) \(status.state)") }
} catch {
    say("error \(error)")
}
