import Foundation
import MetastoreModel
import Testing

@Suite struct `The comparison with pgbench` {
    private func compare(_ pairs: [(theirs: Int, ours: Int)], must: String) async throws -> JSONObject {
        let folder = try TemporaryFolder()
        let path = folder.path + "/lines"
        let lines = pairs.map { pair in
            """
            {"work": "pgbench.put", "clients": 64, "operations": 9, "seconds": 1, "per_second": \(pair.theirs)}
            {"work": "store.put", "clients": 64, "operations": 9, "seconds": 1.0, "per_second": \(pair.ours)}
            """
        }
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: path))
        let ran = try await Tool.python("tools/bench-pgbench/compare.py", "I", path, must)
        try #require(ran.code == 0, "\(ran.errors)")
        return try JSONObject(parsing: ran.output)
    }

    @Test func `takes the ratio of each round, and their median`() async throws {
        let line = try await compare([(100, 90), (200, 100), (50, 100)], must: "0.9")
        #expect(line["what"]?.string == "store.put, 64 clients")
        #expect(line["ratio"] == ["median": 0.9, "low": 0.5, "high": 2.0])
        #expect(line["ours"]?["median"]?.number == 100)
        #expect(line["theirs"]?["median"]?.number == 100)
        #expect(line["reached"] == true)
        #expect(try await compare([(100, 89)], must: "0.9")["reached"] == false)
    }
}
