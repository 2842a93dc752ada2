import Foundation
import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing

@Suite struct `The floor` {
    /// A small store of the benchmark, closed.
    private func filled(_ folder: TemporaryFolder) async throws -> String {
        let path = folder.path + "/store.db"
        let fill = try await Tool.bench("fill", "--path", path, "--scale", "0.001")
        try #require(fill.code == 0, "\(fill.errors)")
        // It writes without the store's note of the newest head; without one nothing is missed.
        try FileManager.default.removeItem(atPath: path + ".head")
        return path
    }

    private func isWhole(_ path: String, _ body: (Metastore) async throws -> Void) async throws {
        let store = try await Metastore.open(.sqlite(path))
        let report = try await store.verify()
        #expect(report.isClean, "\(report)")
        try await body(store)
        await store.close()
    }

    /// Trials that writers may use: after the 100 that point reads use.
    private let writer: Int64 = 101

    @Test func `writes what the store would write: rows, hashes, log and chain`() async throws {
        let folder = try TemporaryFolder()
        let path = try await filled(folder)
        var entries = 0
        var reports = 0
        for arguments in [
            ["put"], ["put", "--plain"], ["put", "--clients", "8"], ["put", "--clients", "8", "--batch", "1"],
            ["report", "--first", "101"], ["report", "--first", "101", "--clients", "8"],
            ["transition", "--first", "101", "--clients", "3"], ["load", "--first", "1125", "--count", "1000"],
            ["watch", "--count", "20"],
        ] {
            let ran = try await Tool.run(
                Tool.packageFolder + "/tools/bench-floor/run", arguments + ["--path", path, "--seconds", "0.1"])
            try #require(ran.code == 0, "\(arguments): \(ran.errors)")
            let line = try JSONObject(parsing: String(try #require(ran.lines.first)))
            let operations = Int(try #require(line["operations"]?.integer))
            try #require(operations > 0)
            if ["put", "watch"].contains(arguments[0]) { entries += operations }
            if arguments[0] == "report" { reports += operations }
        }
        try await isWhole(path) { store in
            let report = try await store.verify()
            #expect(report.rows[.keyValue] == entries)
            let loaded = try await store.workloads.list(of: ID(rawValue: 1_125), limit: 1_000).records
            #expect(loaded.count == 1_000)
            #expect(loaded.allSatisfy { $0.metrics?.values.count == 10 })
            // Of the store's own: 100 trials with a step and a validation, 20 trials with 20 steps.
            #expect(report.rows[.workload] == 200 + 400 + 1_000 + reports)
        }
    }

    @Test func `without the log leaves just that out`() async throws {
        let folder = try TemporaryFolder()
        let path = try await filled(folder)
        let ran = try await Tool.floor("put", "--plain", "--without-log", "--path", path, "--seconds", "0.1")
        try #require(ran.code == 0, "\(ran.errors)")
        let store = try await Metastore.open(.sqlite(path))
        let report = try await store.verify()
        await store.close()
        // The revisions are counted, but not there; every row is whole.
        #expect(!report.isClean)
        #expect(report.findings.allSatisfy { $0.key.hasPrefix("log") || $0.key == "head" }, "\(report)")
    }

    @Test func `refuses a database that isn't there, and work that it doesn't know`() async throws {
        let folder = try TemporaryFolder()
        let missing = try await Tool.floor("put", "--path", folder.path + "/none.db", "--seconds", "0.1")
        #expect(missing.code == 1)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/none.db"))
        let unknown = try await Tool.floor("sleep", "--path", folder.path + "/none.db")
        #expect(unknown.code == 64)
        #expect(unknown.output.isEmpty)
    }
}
