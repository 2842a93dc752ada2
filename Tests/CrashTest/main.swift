// A process to be stopped, starved and killed by the tests of faults.
//
// write PATH SEED [COUNT]   several writers and a consumer; prints "try REQUEST" before and "ack REQUEST ANSWER" after
// contend URL FILE SEED     several writers beside those of other processes; appends "ack KEY REVISION" to the file
// migrate URL MILLISECONDS  applies the steps of a test, and sleeps at each of their boundaries
// serve                     obeys one command a line, and answers each with one line: "ok …" or "error CASE TEXT"

internal import FaultLoad
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

let arguments = CommandLine.arguments
signal(SIGPIPE, SIG_IGN)
switch arguments.dropFirst().first {
case "write" where arguments.count >= 4:
    let count = arguments.count > 4 ? Int(arguments[4]) : nil
    await Load(path: arguments[2], seed: UInt64(arguments[3]) ?? 0, count: count).run()
case "contend" where arguments.count == 5:
    await Contention(place: arguments[2], file: arguments[3], seed: UInt64(arguments[4]) ?? 0).run()
case "migrate" where arguments.count == 4:
    migrate(arguments[2], sleeping: UInt32(arguments[3]) ?? 0)
case "serve":
    var server = Server()
    while let line = readLine() { say(await server.answer(line)) }
    // Without closing: whoever wants a clean end says so.
    _exit(0)
default:
    say(
        "usage: metastore-crash-test write PATH SEED [COUNT] | contend URL FILE SEED | migrate URL MILLISECONDS | serve"
    )
    exit(64)
}
