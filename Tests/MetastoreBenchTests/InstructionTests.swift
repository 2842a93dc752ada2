import Foundation
import MetastoreModel
import Testing

@Suite struct `The budget of instructions` {
    private func check(_ budget: String, _ counts: [String], update: Bool = false) async throws -> (Tool, String) {
        let folder = try TemporaryFolder()
        let (plan, found) = (folder.path + "/budget.json", folder.path + "/counts")
        try Data(budget.utf8).write(to: URL(filePath: plan))
        try Data(counts.joined(separator: "\n").utf8).write(to: URL(filePath: found))
        let ran = try await Tool.python("tools/bench-instructions/check.py", plan, found, update ? "yes" : "no")
        return (ran, String(decoding: try Data(contentsOf: URL(filePath: plan)), as: UTF8.self))
    }

    private func count(_ instructions: Int) -> String { #"{"work": "put", "instructions": \#(instructions)}"# }

    @Test func `is kept up to 5 % above it`() async throws {
        #expect(try await check(#"{"put": 1000}"#, [count(1_050)]).0.code == 0)
        let over = try await check(#"{"put": 1000}"#, [count(1_051)]).0
        #expect(over.code == 1)
        #expect(over.output.contains("more than 5 % over"))
    }

    @Test func `goes by the median of several runs`() async throws {
        #expect(try await check(#"{"put": 1000}"#, [count(990), count(1_000), count(2_000)]).0.code == 0)
    }

    @Test func `is missed by a work that has none`() async throws {
        #expect(try await check("{}", [count(10)]).0.code == 1)
    }

    @Test func `is written anew when asked to`() async throws {
        let (ran, budget) = try await check(#"{"put": 1, "read": 7}"#, [count(1_000)], update: true)
        #expect(ran.code == 0)
        #expect(try JSONObject(parsing: budget).values == ["put": 1000, "read": 7])
    }

    @Test func `covers every work there is`() throws {
        let path = Tool.packageFolder + "/tools/bench-instructions/budget.json"
        let budget = try JSONObject(parsing: String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self))
        #expect(
            Set(budget.values.keys) == ["put", "report", "load", "transition", "read", "page", "workloads", "catch-up"])
    }

    /// Instructions of a call are counted where they stand, and once; a name is told by its number from then on.
    @Test func `is compared with what a profile says of each call`() async throws {
        let folder = try TemporaryFolder()
        func profile(_ name: String, _ bench: Int, _ sqlite: Int, waiting: Int) throws -> String {
            let path = folder.path + "/" + name
            let text = """
                # callgrind format
                positions: line
                events: Ir

                ob=(1) /tmp/x/bench
                fl=(1) ???
                fn=(1) commit
                0 \(bench)
                cob=(2) /usr/lib/libsqlite3.so.0.8.6
                cfn=(2) sqlite3_step
                calls=3 0
                0 \(sqlite * 1_000)

                ob=(2)
                fn=(2)
                0 \(sqlite - 10)
                +3 10

                ob=(1)
                fn=(3) $s15MetastoreEngine14BlockingThreadO10lookAround
                0 \(waiting)
                totals: 5
                """
            try Data(text.utf8).write(to: URL(filePath: path))
            return path
        }
        let few = try profile("few", 1_000, 500, waiting: 77)
        let many = try profile("many", 3_000, 900, waiting: 4_000)
        let ran = try await Tool.python("tools/bench-instructions/count.py", "10", few, "30", many)
        try #require(ran.code == 0, "\(ran.errors)")
        #expect(try JSONObject(parsing: ran.output).values == ["instructions": 120, "program": 100, "sqlite": 20])
    }

    @Test(arguments: ["put", "report", "load", "transition", "read", "page", "workloads", "catch-up"])
    func `counts works that run`(_ work: String) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/store.db"
        let fill = try await Tool.bench("fill", "--path", path, "--scale", "0.001")
        try #require(fill.code == 0, "\(fill.errors)")
        let ran = try await Tool.bench("instructions", work, "--path", path, "--count", "7", "--scale", "0.001")
        #expect(ran.code == 0, "\(ran.errors)")
        #expect(ran.output.isEmpty)
    }
}
