import Foundation
import MetastoreModel
import Testing

@Suite struct `Replication as it is measured` {
    /// Without what it is compared with, which isn't installed for a test.
    @Test func `has a figure in every line of a row`() async throws {
        let programs = URL(filePath: try Tool.benchProgram()).deletingLastPathComponent().path
        let ran = try await Tool.python(
            "tools/bench-replication/measure.py", "--programs", programs, "--rows", "lag,catch-up", "--rounds", "1",
            "--scale", "0.02")
        try #require(ran.code == 0, "\(ran.errors)")
        let lines = try ran.lines.map { try JSONObject(parsing: String($0)) }
        let names = lines.map { "\($0["row"]?.string ?? "") \($0["name"]?.string ?? "")" }
        #expect(names == ["lag live", "lag archive", "catch-up archive", "catch-up server"])
        for line in lines.prefix(2) {
            #expect(try #require(line["figure"]?["count"]?.number) >= 10, "every commit was read")
            #expect(try #require(line["figure"]?["p50"]?.number) > 0)
        }
        for line in lines.suffix(2) { #expect(try #require(line["figure"]?["per second"]?.number) > 0) }
    }
}
