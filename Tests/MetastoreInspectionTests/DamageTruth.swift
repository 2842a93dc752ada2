internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport

/// A store that nothing happened to, and everything that a true answer about it can say.
struct Undamaged {
    /// Its files, by what stands behind the database's name.
    let files: [String: [UInt8]]
    /// An older copy of its database file, and another store's.
    let older: [UInt8]
    let other: [UInt8]
    /// Where they lie, and the store as of each commit in its write-ahead log.
    private let sources: [String]

    /// By revision that can be shown, every record by its key.
    let states: [Revision: [String: String]]
    /// What `info` says at those revisions.
    let infos: [Revision: JSONObject]
    let keys: [RecordKey]
    /// Every record that stands in the last state, as canonical text without local columns.
    private(set) var latest: Set<String> = []
    /// Every one that there ever was; those of the other store, too.
    private(set) var known: Set<String> = []
    /// The same by key.
    private(set) var versions: [String: [JSONObject]] = [:]
    /// What `log` says.
    private(set) var log: Set<String> = []
    /// What plain SQLite reads.
    let plain: PlainRows

    /// - Parameter isCutOff: the newest commits are in the write-ahead log alone.
    init(_ root: String, isCutOff: Bool) async throws {
        let names = ["store.db", "older.db", "other.db"].map { root + "/\(isCutOff)-" + $0 }
        let (path, from) = (names[0], names[0] + ".copied")
        try await RandomHistory.make(path, commits: 60, name: "damage")
        older = try contents(path)
        try write(older, to: names[1])
        try await RandomHistory.make(names[2], commits: 60, name: "another")
        other = try contents(names[2])
        try await RandomHistory.goOn(path, commits: 60, name: "later") {
            guard isCutOff else { return }
            for suffix in ["", "-wal", ".head"] { try write(contents(path + suffix), to: from + suffix) }
        }
        if isCutOff {
            for suffix in ["", "-wal", ".head"] { try write(contents(from + suffix), to: path + suffix) }
        }
        var files: [String: [UInt8]] = [:]
        for suffix in ["", "-wal", ".head"] { files[suffix] = try? contents(path + suffix) }
        self.files = files
        // Such a tool writes the log into the file, and takes it away.
        let apart = root + "/plain.db"
        for (suffix, bytes) in files where suffix != ".head" { try write(bytes, to: apart + suffix) }
        plain = PlainRows(apart, hasLog: isCutOff)

        let now = try Inspection.open(path: path)
        var (states, infos): ([Revision: [String: String]], [Revision: JSONObject]) = ([:], [:])
        var places = names
        for count in 0...(now.log?.commits ?? 0) {
            // As if its log ended there.
            let place = "\(path).\(count)"
            try write(files[""] ?? [], to: place)
            if count > 0 { try write(Self.log(path, through: count), to: place + "-wal") }
            let inspection = try Inspection.open(path: place)
            let revision = try inspection.store.summary().revision
            states[revision] = try Self.records(inspection)
            infos[revision] = try JSONObject(parsing: DamageCommand.info.run(place).output)
            places.append(place)
        }
        (self.states, self.infos, sources) = (states, infos, places)
        keys = states[try now.store.summary().revision]!.keys.compactMap { RecordKey(path: $0) }
            .sorted { $0.path < $1.path }
        for record in states[try now.store.summary().revision]!.values {
            latest.insert(try Self.canonical(record).text)
        }
        for state in states.values { for record in state.values { try add(record) } }
        for name in names {
            let inspection = try Inspection.open(path: name)
            for record in try Self.records(inspection).values { try add(record) }
            try inspection.log(after: .absent) { record, changes in
                for change in changes {
                    for row in [change.before, change.after] {
                        if let row { try add(RecordView(row, isLogged: true).json()) }
                    }
                }
                return true
            }
        }
        log = Set(DamageCommand.log.run(path).lines)
    }

    private mutating func add(_ record: String) throws {
        let record = try Self.canonical(record)
        guard known.insert(record.text).inserted else { return }
        versions[record.values["key"]?.string ?? "", default: []].append(record)
    }

    static func records(_ inspection: Inspection) throws -> [String: String] {
        var found: [String: String] = [:]
        for kind in RecordKind.allCases where kind != .cluster {
            _ = try inspection.list(RecordQuery(kind)) { record in
                found[record.key.path] = record.json()
                return true
            }
        }
        return found
    }

    /// What no log knows, and no hash covers.
    private static let local = [
        "last_heartbeat", "last_activity", "renewed_time", "position_revision", "position_time",
    ]

    static func canonical(_ record: String) throws -> JSONObject {
        try canonical(try JSONObject(parsing: record).values)
    }

    static func canonical(_ record: NamedValues<JSON>) throws -> JSONObject {
        try JSONObject(NamedValues(record.filter { !local.contains($0.key) }.map { (key: $0.key, value: $0.value) }))
    }

    /// Those that a command has in no answer about any state of the store, of the older copy or the other one.
    func untrue(_ lines: [String], of command: DamageCommand) -> [String] {
        var rest = Set(lines)
        for source in sources where !rest.isEmpty { rest.subtract(command.run(source).lines) }
        return Array(rest)
    }

    private static func log(_ path: String, through commits: Int) throws -> [UInt8] {
        let file = try FrozenFile(path)
        guard let file, let log = file.log else { return [] }
        return Array(try contents(path + "-wal").prefix(32 + log.commits[commits - 1].frame * (24 + log.pageBytes)))
    }
}
