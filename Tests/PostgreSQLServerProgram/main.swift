internal import Glibc
internal import PostgreSQLServer

// Starts a private server, prints where it is, and keeps it until its input ends: for trying things by hand, and for
// the test that kills the process that started a server.
//
//   usage: metastore-test-server [NAME=VALUE …]     settings of postgresql.conf

func say(_ line: String, on descriptor: Int32 = 1) {
    let bytes = Array((line + "\n").utf8)
    _ = write(descriptor, bytes, bytes.count)
}

var options = ServerOptions()
for argument in CommandLine.arguments.dropFirst() {
    let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { continue }
    options.parameters[parts[0]] = parts[1]
}
do {
    let server = try PostgreSQLServer(options)
    say(server.socketFolder)
    say("\(server.postmaster ?? 0)")
    say(try server.freshDatabase())
    while readLine() != nil {}
    withExtendedLifetime(server) {}
} catch {
    say("error: \(error)", on: 2)
    exit(1)
}
