// Opens a store as metastore-inspect does, perhaps as another user, and says what it found, a line each:
//
// metastore-inspect-test USER|- PATH [last|ignore|COMMITS]

internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite

let words = Array(CommandLine.arguments.dropFirst())
guard words.count >= 2 else {
    print("usage: metastore-inspect-test USER|- PATH [last|ignore|COMMITS]")
    exit(64)
}
if let user = UInt32(words[0]), setgroups(0, nil) != 0 || setgid(user) != 0 || setuid(user) != 0 {
    print("error can't become user \(user)")
    exit(70)
}
let log: FrozenFile.LogChoice =
    switch words.dropFirst(2).first ?? "last" {
    case "last": .last
    case "ignore": .none
    case let number: .first(Int(number) ?? 0)
    }
do {
    let inspection = try Inspection.open(path: words[1], wal: log)
    try inspection.read {
        print("verdict \(inspection.verdict)")
        print("live \(inspection.isLive)")
        print("revision \(try inspection.store.summary().revision)")
        print("log \(inspection.log.map { "\($0)" } ?? "none")")
        for notice in inspection.notices { print("notice \(notice)") }
        try inspection.store.forEachRow(of: .keyValue) { row in
            switch row {
            case .row(let row): print("key \(row.key.path) \(row.revision)\(row.isProven ? "" : " unproven")")
            case .unreadable(let reason): print("unreadable \(reason)")
            }
            return true
        }
        print("verified \(try inspection.store.verify().isClean)")
    }
} catch {
    print("error \("\(error)".split(whereSeparator: \.isNewline).joined(separator: " "))")
    exit(1)
}
