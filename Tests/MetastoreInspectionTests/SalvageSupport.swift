internal import FaultLoad
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A store that is lost, and all that it ever held.
struct LostStore {
    let path: String
    let bytes: [UInt8]
    let log: [UInt8]?
    let note: [UInt8]?
    let contents: StoreContents
    let cluster: String
    let epoch: Int64
    /// By key, every row it ever had, as the log tells it.
    let versions: [String: Set<[UInt8]>]
    let last: [String: [UInt8]]

    /// - Parameter isOpen: as of a master that was cut off: the newest commits are in the write-ahead log alone.
    /// - Parameter deleted: how many entries there were besides that are no longer there.
    init(
        _ root: String, rows: Int, deleted: Int = 0, isOpen: Bool = false, isCompacted: Bool = false
    ) async throws {
        path = root + "/lost.db"
        try await FullStore.make(in: .sqlite(path), more: rows)
        let store = try await Metastore.open(.sqlite(path))
        if isOpen {
            for number in 0..<40 {
                try await store.write { tx in
                    try tx.keyValue.put(EntryKey(namespace: "open", key: "\(number)"), "open \(number)")
                    try tx.keyValue.put(EntryKey(namespace: "open", key: "often"), "often \(number)")
                    if number > 0 { try tx.keyValue.delete(EntryKey(namespace: "open", key: "\(number - 1)")) }
                }
            }
        }
        if deleted > 0 {
            try await store.write { tx in
                for number in 0..<deleted {
                    let value = Array("deleted later \(number)".utf8) + Array(repeating: 46, count: 200)
                    try tx.keyValue.put(EntryKey(namespace: "zzz", key: "\(number)"), value)
                }
            }
            try await store.write { tx in
                for number in 0..<deleted { try tx.keyValue.delete(EntryKey(namespace: "zzz", key: "\(number)")) }
            }
            for number in 0..<3 { try await store.keyValue.put("n/after", "\(number)") }
        }
        contents = try await store.contents()
        cluster = try await store.info().cluster.uuidString.lowercased()
        epoch = store.position.epoch.number
        var versions: [String: Set<[UInt8]>] = [:]
        for record in try await store.logRecords(after: .absent, bytes: .max) {
            try record.decodeBody { (raw) throws(StoreError) in
                let key = String(decoding: raw.key, as: UTF8.self)
                if raw.operation != .deleted { versions[key, default: []].insert(Array(raw.after)) }
            }
        }
        self.versions = versions
        if isOpen {
            bytes = try Self.read(path)
            log = try Self.read(path + "-wal")
            note = try Self.read(path + ".head")
            await store.close()
        } else {
            await store.close()
            if isCompacted { try Self.compact(path) }
            bytes = try Self.read(path)
            log = nil
            note = try Self.read(path + ".head")
        }
        var last: [String: [UInt8]] = [:]
        for row in contents.rows.values.joined() { last[row.key] = row.fields }
        self.last = last
    }

    static func read(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// As retention leaves it: the last two revisions are in the log.
    static func compact(_ path: String) throws {
        let engine = SQLiteEngine(path: path, options: EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        defer { connection.close() }
        try connection.begin(.write)
        try connection.execute(
            """
            UPDATE head SET compacted_revision = revision - 2, \
            compacted_chain = (SELECT chain FROM log WHERE log.revision = head.revision - 2)
            """)
        try connection.execute("DELETE FROM log WHERE revision <= (SELECT compacted_revision FROM head)")
        try connection.execute(
            "UPDATE head SET log_bytes = (SELECT sum(length(body) + \(Limits.logRowOverhead)) FROM log)")
        try connection.execute(
            """
            UPDATE consumers SET position_revision = (SELECT revision FROM head), \
            position_chain = (SELECT substr(chain, 1, 8) FROM head)
            """)
        try connection.commit()
        try engine.settle(connection)
    }

    /// The database with some pages, counted from 1, of another store.
    func bytes(with pages: [Int], of other: LostStore) -> [UInt8] {
        var bytes = bytes
        for page in pages {
            let place = (page - 1) * 4_096..<page * 4_096
            bytes.replaceSubrange(place, with: other.bytes[place])
        }
        return bytes
    }

    /// Lays files at a place of their own, and salvages them.
    func salvage(
        _ root: String, main: [UInt8]?, log: [UInt8]? = nil, hasNote: Bool = true, named name: String = "copy"
    ) throws -> (path: String, target: String, report: SalvageReport) {
        let directory = root + "/" + name
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/metastore.db"
        if let main { try Data(main).write(to: URL(fileURLWithPath: path)) }
        if let log { try Data(log).write(to: URL(fileURLWithPath: path + "-wal")) }
        if hasNote, let note { try Data(note).write(to: URL(fileURLWithPath: path + ".head")) }
        let target = directory + "/new.db"
        return (path, target, try Salvage(path: path).run(into: target))
    }
}

extension SalvageReport.Log {
    /// Records are lost between those that are there.
    var hasHoles: Bool { stretches.count > 1 }
}

/// What came of it.
struct Outcome {
    var there = 0
    var of = 0
    var older = 0
    var resurrected = 0
    var corrected = 0
    /// Of another store, at a revision whose record is lost.
    var unproven = 0
    var wrong: [String] = []

    /// Opens the new store, and holds every row against what was there.
    init(_ lost: LostStore, _ target: String, _ report: SalvageReport) async throws {
        let store = try await Metastore.open(.sqlite(target))
        let found = try await store.contents()
        let verification = try await store.verify()
        var ours: Set<String> = []
        for record in try await store.logRecords(after: report.compactedRevision, bytes: .max)
        where record.actor == Salvage.options.actor {
            try record.decodeBody { (raw) throws(StoreError) in
                ours.insert(String(decoding: raw.key, as: UTF8.self))
            }
        }
        await store.close()
        #expect(verification.isClean, "\(verification)")
        #expect(report.findings.isEmpty, "\(report.findings)")
        of = lost.last.count
        let unconfirmed = try report.asideFile.map(Self.unconfirmed) ?? []
        for row in found.rows.values.joined() {
            if ours.contains(row.key) {
                corrected += 1
            } else if lost.versions[row.key]?.contains(row.fields) != true {
                // Where the log has no hole it tells whose a row is; where it has one, the row is marked.
                if !report.log.hasHoles || !unconfirmed.contains(row.key) { wrong.append(row.key) }
                unproven += 1
            }
            if let last = lost.last[row.key] {
                there += 1
                if last != row.fields, !ours.contains(row.key) { older += 1 }
            } else {
                resurrected += 1
            }
        }
        #expect(wrong.isEmpty)
        #expect(found.damagedRows.isEmpty)
    }

    /// The keys of which the file beside the new store says that nothing confirms them.
    private static func unconfirmed(_ asideFile: String) throws -> Set<String> {
        var keys: Set<String> = []
        for line in String(decoding: try LostStore.read(asideFile), as: UTF8.self).split(separator: "\n")
        where line.contains("the log can't confirm it") {
            if let key = try JSONObject(parsing: String(line))["key"]?.string { keys.insert(key) }
        }
        return keys
    }
}
