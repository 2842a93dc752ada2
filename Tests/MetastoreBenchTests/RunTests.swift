import Foundation
import Glibc
import MetastoreModel
import Testing

#if PostgreSQL
    import PostgreSQLServer
#endif

/// Nothing here says how fast anything is: only that every row still measures what it names.
@Suite struct `A run of the benchmark` {
    /// Of each row: what stands in its lines.
    private static let rows: [String: Set<String>] = [
        "A": ["put, one client", "report, one client"],
        "B": ["put, 64 clients", "report, 64 clients"],
        "C": ["transition, one client"],
        "D": [
            "read, inside one read", "read, each awaited", "50 experiments", "50 experiments, deep", "the deep page",
            "50 experiments, awaited", "20 of a trial", "of 100 validations",
        ],
        "E": ["load of 1000 workloads"],
        "F": [
            "commit → watcher", "begin → watcher", "500 changes, decoded",
            "put, one client, beside 10 idle watchers", "put, one client, beside 10 active watchers",
            "put, one client, beside both",
        ],
        "G": ["open 1000 workloads", "resident memory then"],
        "H": [
            "put, one client, at 100 workloads", "put, one client, at 1000 workloads",
            "report, one client, at 100 workloads", "report, one client, at 1000 workloads",
            "put, 64 clients, at 100 workloads", "put, 64 clients, at 1000 workloads",
            "transition, one client, at 100 workloads", "transition, one client, at 1000 workloads",
            "read, one client, at 100 workloads", "read, one client, at 1000 workloads", "load of 100 workloads",
            "load of 1000 workloads", "put, one client, while 2000 revisions are compacted",
        ],
        "K": ["A with the log", "C with the log", "E with the log"],
    ]

    @Test(arguments: rows.keys.sorted())
    func `has a figure in every line of a row`(_ row: String) async throws {
        let folder = try TemporaryFolder()
        let run = try await Tool.bench(
            "run", "--rows", row, "--rounds", "2", "--seconds", "0.05", "--scale", "0.001", "--work", folder.path,
            "-o", "json")
        try #require(run.code == 0, "\(run.errors)")
        let lines = try run.lines.map { try JSONObject(parsing: String($0)) }
        for line in lines where line["row"] == nil { try checkMeasurement(line) }
        let comparisons = lines.filter { $0["row"] != nil }
        for line in comparisons { try checkComparison(line) }
        #expect(Set(comparisons.compactMap { $0["what"]?.string }) == Self.rows[row])
        // What it made in the folder is gone.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    #if PostgreSQL
        @Test func `has its figures of rows A to D on a server, where there is no floor`() async throws {
            let folder = try TemporaryFolder()
            try await PostgreSQLServer.shared.withDatabase { server in
                let run = try await Tool.bench(
                    "run", "--rows", "A,B,C,D", "--rounds", "1", "--seconds", "0.05", "--scale", "0.001", "--work",
                    folder.path, "--server", server, "-o", "json")
                try #require(run.code == 0, "\(run.errors)")
                let lines = try run.lines.map { try JSONObject(parsing: String($0)) }
                for line in lines where line["row"] == nil {
                    try checkMeasurement(line)
                    #expect(line["work"]?.string?.hasPrefix("store.") == true)
                }
                let comparisons = lines.filter { $0["row"] != nil }
                for line in comparisons { try checkComparison(line) }
                let expected = ["A", "B", "C", "D"].compactMap { Self.rows[$0] }.reduce(Set()) { $0.union($1) }
                #expect(Set(comparisons.compactMap { $0["what"]?.string }) == expected)
            }
        }
    #endif

    private func checkMeasurement(_ line: JSONObject) throws {
        let known: Set = [
            "work", "clients", "operations", "seconds", "per_second", "p50_us", "p99_us", "bytes_per_row",
            "resident_kib", "round",
        ]
        let values = line.values
        #expect(known.isSuperset(of: values.keys), "\(line)")
        let work = try #require(line["work"]?.string)
        #expect(work.hasPrefix("store.") || work.hasPrefix("floor."))
        #expect(try #require(line["clients"]?.integer) > 0)
        #expect(try #require(line["operations"]?.integer) > 0, "\(line)")
        for (name, value) in values where !["work", "clients", "operations", "round"].contains(name) {
            let number = try #require(value.number, "\(name) of \(line)")
            #expect(number > 0 || name.hasPrefix("p") || name == "bytes_per_row", "\(name) of \(line)")
        }
    }

    private func checkComparison(_ line: JSONObject) throws {
        let known: Set = ["row", "what", "unit", "ours", "beside", "theirs", "ratio", "must", "reached"]
        let values = line.values
        #expect(known.isSuperset(of: values.keys), "\(line)")
        #expect(line["unit"]?.string != nil)
        var spreads = ["ours"]
        if line["beside"] != nil { spreads += ["theirs", "ratio"] }
        for name in spreads {
            let numbers = try ["low", "median", "high"].map { try #require(line[name]?[$0]?.number, "\(line)") }
            #expect(numbers == numbers.sorted(), "\(name) of \(line)")
        }
        #expect((line["must"] == nil) == (line["reached"] == nil), "\(line)")
    }

    @Test func `prints a table whose numbers stand to the right`() async throws {
        let folder = try TemporaryFolder()
        let run = try await Tool.bench(
            "run", "--rows", "C", "--rounds", "1", "--seconds", "0.05", "--scale", "0.001", "--work", folder.path)
        try #require(run.code == 0, "\(run.errors)")
        let lines = run.lines.map(Array.init)
        try #require(lines.count == 4)
        let title = try #require(run.lines[0].firstRange(of: " ours"))
        let end = run.lines[0].distance(from: run.lines[0].startIndex, to: title.upperBound)
        for line in lines.dropFirst() {
            #expect(line[end - 1].isNumber && line[end] == " ", "\(String(line))")
        }
    }

    @Test(arguments: [
        ["--rows", "A,X"], ["--rows", "E", "--server", "host=/nowhere"], ["--rounds", "0"], ["--scale", "2"],
    ])
    func `refuses what it can't do`(_ arguments: [String]) async throws {
        let run = try await Tool.run(try Tool.benchProgram(), ["run"] + arguments)
        #expect(run.code == 64)
        #expect(run.output.isEmpty)
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `leaves nothing behind when it is ended`(_ signal: Int32) async throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(filePath: try Tool.benchProgram())
        process.arguments = ["run", "--rows", "A", "--seconds", "60", "--scale", "0.001", "--work", folder.path]
        process.standardError = FileHandle.nullDevice
        try process.run()
        func made() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path) }
        // While it makes files.
        func files() throws -> [String] { try FileManager.default.subpathsOfDirectory(atPath: folder.path) }
        while try files().count < 2, process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
        #expect(process.isRunning)
        kill(process.processIdentifier, signal)
        while process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
        #expect(process.terminationStatus == 128 + signal)
        #expect(try made().isEmpty)
    }

    @Test(arguments: ["put", "page.awaited"])
    func `measures one work on a store of one's own`(_ work: String) async throws {
        let folder = try TemporaryFolder()
        let run = try await Tool.bench(
            "measure", work, "--path", folder.path + "/store.db", "--seconds", "0.05", "--scale", "0.001")
        try #require(run.code == 0, "\(run.errors)")
        try #require(run.lines.count == 1)
        let line = try JSONObject(parsing: String(run.lines[0]))
        try checkMeasurement(line)
        #expect(line["work"]?.string == "store.\(work)")
    }
}
