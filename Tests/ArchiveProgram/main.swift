// A process that uses an archive in a folder, to be killed and starved by the tests. It says one line.
//
// create ROOT NAME BYTE COUNT    "created", "taken" or "error CASE TEXT"
// replace ROOT NAME BYTE COUNT   "replaced" or "error CASE TEXT"
// remove ROOT NAME BYTE COUNT    "removed" or "error CASE TEXT"
// fill ROOT BYTE COUNT           "created NUMBER" for each of the objects log/NUMBER, without an end

internal import Glibc
internal import MetastoreReplication

func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

func describe(_ error: any Error) -> String {
    let label = "\(Mirror(reflecting: error).children.first?.label ?? "other")"
    return "error \(label) \(error)"
}

let arguments = CommandLine.arguments
guard arguments.count >= 5 else { exit(64) }
let count = Int(arguments.last ?? "") ?? 0
let bytes = [UInt8](repeating: UInt8(arguments[arguments.count - 2]) ?? 0, count: count)
do {
    let target = try DirectoryTarget(path: arguments[2])
    switch arguments[1] {
    case "create":
        say("\(try await target.create(ArchiveName(arguments[3])!, bytes))")
    case "replace":
        try await target.replace(ArchiveName(arguments[3])!, bytes)
        say("replaced")
    case "remove":
        try await target.remove(ArchiveName(arguments[3])!)
        say("removed")
    default:
        for number in 0..<Int.max { say("\(try await target.create(ArchiveName("log/\(number)")!, bytes)) \(number)") }
    }
} catch {
    say(describe(error))
}
