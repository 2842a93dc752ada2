internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import Testing

#if PostgreSQL
    internal import PostgreSQLServer
#endif

/// A closed store as a release with that schema left it, on one engine. `Fixtures/README.md` says where they come from.
struct Fixture: Sendable, CustomTestStringConvertible {
    let schema: Int64
    let kind: Kind

    static let folder = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Fixtures"

    /// Those in the folder, by schema.
    static let all: [Fixture] = {
        let names = Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        let schemas = names.compactMap { $0.firstMatch(of: /^schema(\d+)\.facts\.json$/).flatMap { Int64($0.1) } }
        return schemas.sorted().flatMap { schema in
            Kind.allCases.map { Fixture(schema: schema, kind: $0) }.filter { names.contains($0.name) }
        }
    }()

    var name: String {
        switch kind {
        case .file: "schema\(schema).sqlite.db"
        #if PostgreSQL
            case .server: "schema\(schema).postgresql.sql"
        #endif
        }
    }

    var testDescription: String { name }
    var path: String { Self.folder + "/" + name }

    static func factsName(_ schema: Int64) -> String { "schema\(schema).facts.json" }

    /// What its release said is in it, on either engine.
    var facts: StoreFacts {
        get throws {
            let file = URL(filePath: Self.folder + "/" + Self.factsName(schema))
            return try JSONDecoder().decode(StoreFacts.self, from: Data(contentsOf: file))
        }
    }

    /// Puts a copy of it where the rig's store is.
    func load(into rig: Rig) throws { try rig.load(path) }
}

extension Rig {
    /// Makes the store from a file that ``image()`` gave.
    func load(_ path: String) throws {
        #if PostgreSQL
            if let database { return try PostgreSQLServer.shared.load(path, into: database) }
        #endif
        try FaultSupport.run("install", "-m", "600", path, file)
    }

    /// All that is in the store, as a file that an administrator would keep of it.
    func image() throws -> Data {
        #if PostgreSQL
            if let database { return Data(try PostgreSQLServer.shared.script(of: "metastore", in: database).utf8) }
        #endif
        return try Data(contentsOf: URL(filePath: file))
    }
}

/// What is in a store, whatever its schema: the same on every engine, and after every upgrade but for the log's end.
struct StoreFacts: Sendable, Equatable, Codable {
    let cluster: String
    var schema: Int64
    var epoch: Int64
    var revision: Int64
    let compactedRevision: Int64
    /// The link of the log's last record.
    var chain: String
    /// By the kind's name, where there are any.
    let digests: [String: String]
    let rows: [String: Int]
    let operations: Int64
    /// Where each stands.
    let consumers: [String: Int64]
    let leader: String?

    /// Recomputed, each of them, from what is there.
    init(_ connection: any Connection) throws {
        let store = ClosedStore(connection)
        let summary = try store.summary()
        let report = try store.verify()
        guard report.isClean else { throw Failure("\(report)", 0) }
        let digests = StateDigests(bytes: Array(summary.state.dropLast(32)))
        let names = RecordKind.allCases.map { kind in (kind.name, digests?[kind] ?? 0) }
        let consumers = try connection.all("SELECT name, position_revision FROM consumers") { row in
            (try row.text(0), try row.integer(1))
        }
        (cluster, schema, epoch) = (summary.cluster.uuidString.lowercased(), summary.schema, summary.epoch)
        (revision, compactedRevision) = (summary.revision.rawValue, summary.compactedRevision.rawValue)
        chain = summary.state.suffix(32).hexadecimal
        self.digests = Dictionary(uniqueKeysWithValues: names.filter { $0.1 != 0 }.map { ($0, String($1, radix: 16)) })
        rows = Dictionary(uniqueKeysWithValues: report.rows.map { ($0.name, $1) }.filter { $0.1 > 0 })
        operations = try connection.first("SELECT count(*) FROM operations") { try $0.integer(0) } ?? 0
        self.consumers = Dictionary(uniqueKeysWithValues: consumers)
        leader = try connection.first("SELECT holder FROM leadership") { try $0.text(0) }
    }

    /// The link of an earlier record.
    static func link(_ revision: Int64, _ connection: any Connection) throws -> String? {
        try connection.first("SELECT chain FROM log WHERE revision = \(revision)") { try $0.bytes(0).hexadecimal }
    }

    var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try encoder.encode(self) + Data("\n".utf8)
        }
    }
}

extension Collection<UInt8> {
    fileprivate var hexadecimal: String {
        map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

extension Rig {
    func facts() throws -> StoreFacts { try reading { try StoreFacts($0) } }
}
