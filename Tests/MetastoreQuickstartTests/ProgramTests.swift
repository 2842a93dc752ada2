import FoundationEssentials
import Glibc
import Metastore
import MetastoreModel
import MetastoreQuickstart
import MetastoreSQLite
import Testing

/// How often a run is killed: 20 times at full scale.
private let kills = max(3, Int((20 * testScale).rounded()))

/// How much of the full counts is run.
let testScale = Double(ProcessInfo.processInfo.environment["METASTORE_TEST_SCALE"] ?? "") ?? 0.05

@Suite struct `The quickstart as a process` {
    /// A folder with a configuration; the data goes into one that isn't there yet.
    private struct Setting {
        let folder: TemporaryFolder
        var file: String { folder.path + "/experiment.yaml" }
        var data: String { folder.path + "/data" }
        var arguments: [String] { [file, "--data", data] }

        init(_ text: String) throws {
            folder = try TemporaryFolder()
            try Data(text.utf8).write(to: URL(filePath: file))
        }

        func remains() async throws -> Remains {
            let store = try await Metastore.open(.sqlite(data + "/metastore.db"))
            let remains = try await Remains.read(1, from: store, checkpoints: data + "/checkpoints")
            await store.close()
            return remains
        }
    }

    @Test(arguments: WholeRun.allCases)
    func `killed at random points ends as if nothing had been`(_ run: WholeRun) async throws {
        let undisturbed = try Setting(run.text)
        let whole = try await Program.run(undisturbed.arguments)
        try #require(whole.code == 0, "\(whole.errors)")
        let lines = whole.errors.count { $0 == "\n" }

        let setting = try Setting(run.text)
        var stream = Randomness(seed: 9, "kills", .text(run.rawValue))
        var killed = 0
        for _ in 0..<kills {
            let program = try Program(setting.arguments)
            await program.send(
                SIGKILL, afterLines: stream.below(2 + 2 * lines / kills), microseconds: stream.below(5_000))
            let ending = await program.end()
            #expect(ending.code == 137 || ending.code == 0, "\(ending.errors)")
            if ending.code == 137 { killed += 1 }
        }
        let last = try await Program.run(setting.arguments)
        #expect(last.code == 0, "\(last.errors)")
        #expect(killed > 0)
        #expect(try await setting.remains() == undisturbed.remains(), "\(run), killed \(killed) times")
        #expect(tree(last.output) == tree(whole.output))
    }

    /// The result without the number of revisions, which counts masters too.
    private func tree(_ output: String) -> [Substring] {
        output.split(separator: "\n").filter { !$0.hasPrefix("revisions") && !$0.hasPrefix("  ") }
    }

    @Test func `stops when interrupted, goes on, and tells the result again`() async throws {
        let setting = try Setting(WholeRun.single.text)
        let program = try Program(setting.arguments + ["--pace", "0.05"])
        await program.send(SIGINT, afterLines: 3)
        let stopped = await program.end()
        #expect(stopped.code == 130 && stopped.output.isEmpty)
        #expect(stopped.errors.contains("run the same command again"))
        let going = try await Program.run(setting.arguments)
        #expect(going.code == 0 && going.errors.contains("goes on after"), "\(going.errors)")
        let again = try await Program.run(setting.arguments)
        #expect(again.code == 0 && again.errors.contains("has ended") && again.output == going.output)
        let fresh = try await Program.run(setting.arguments + ["--fresh"])
        #expect(fresh.code == 0 && fresh.output.hasPrefix("experiment 2: blobs-single COMPLETED"))
    }

    @Test func `is refused while another one runs, which is named`() async throws {
        let setting = try Setting(WholeRun.single.text)
        let first = try Program(setting.arguments + ["--pace", "1"])
        #expect(await first.hasShown(1))
        let second = try await Program.run(setting.arguments)
        #expect(second.code == 75 && second.output.isEmpty)
        #expect(second.errors.contains("process \(first.id)"), "\(second.errors)")
    }

    @Test(arguments: [
        ("name: x\nsearcher: {name: rundom}\nhyperparameters: {}\n", "experiment.yaml:2:18: searcher.name: "),
        ("name: x\n  y: [", "experiment.yaml:2:"), ("", "experiment.yaml:1:1: "),
        ("- 1\n", "experiment.yaml:1:1: "),
    ])
    func `refuses a bad configuration with line and reason, and writes nothing`(
        _ text: String, _ place: String
    ) async throws {
        let setting = try Setting(text)
        let ending = try await Program.run(setting.arguments)
        #expect(ending.code == 65 && ending.output.isEmpty)
        #expect(ending.errors.contains(place), "\(ending.errors)")
        #expect(!FileManager.default.fileExists(atPath: setting.data))
    }

    @Test func `has an exit code for each mistake of its caller`() async throws {
        let setting = try Setting(WholeRun.single.text)
        #expect(try await Program.run([setting.file + "x", "--data", setting.data]).code == 66)
        #expect(try await Program.run(setting.arguments + ["--pace", "-1"]).code == 64)
        #expect(try await Program.run(setting.arguments + ["--pase", "1"]).code == 64)
        #expect(!FileManager.default.fileExists(atPath: setting.data))
        try Data([0xFF, 0xFE]).write(to: URL(filePath: setting.file))
        #expect(try await Program.run(setting.arguments).code == 65)
        let place = try Setting("")
        #expect(try await Program.run([WholeRun.single.file, "--data", place.file]).code == 73)
    }
}
