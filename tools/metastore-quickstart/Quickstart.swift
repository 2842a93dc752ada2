import ArgumentParser
import FoundationEssentials
import Glibc
import Metastore
import MetastoreModel
import MetastoreQuickstart
import MetastoreSQLite
import MetastoreTerminal

/// Runs an experiment through the store, with a real master on a simulated cluster.
@main
struct Quickstart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metastore-quickstart",
        abstract: "Runs an experiment through the store; killed at any moment, it goes on when run again.",
        discussion: """
            Examples:
              metastore-quickstart                                     the random example
              metastore-quickstart tools/examples/blobs-halving.yaml   asynchronous halving
              metastore-quickstart --fresh                             one more run of the same
              metastore-quickstart --pace 0.5                          slow enough to kill it on the way

            The cluster exists in virtual time; what its trials train is real, and so are the files of their
            checkpoints. Progress goes to standard error, the result to standard output.

            Exit codes: 0 the experiment has ended · 64 usage · 65 the configuration or the data is not as it
            must be · 66 no such file · 74 I/O · 75 another quickstart uses this data · 130 interrupted.
            """,
        version: "metastore-quickstart \(Metastore.version)")

    static let defaultExample = "tools/examples/blobs-random.yaml"

    @Argument(
        help: "The experiment's configuration.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var config = Quickstart.defaultExample

    @Option(help: "Where the store and the checkpoints are kept.", completion: .directory)
    var data = "./quickstart-data"

    @Flag(help: "Begin another run if the latest one of this configuration has ended. Deletes nothing.")
    var fresh = false

    @Option(help: "Wait so many seconds before each event, 0 to 60. (default: 0.02 on a terminal, else 0)")
    var pace: Double?

    func validate() throws {
        if let pace, !(0...60).contains(pace) { throw ValidationError("--pace must lie in 0…60 seconds.") }
        if data.isEmpty { throw ValidationError("--data needs a folder.") }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let screen = Screen()
        do {
            let text = try Self.text(of: config)
            let configuration = try Self.read(text, from: config)
            for note in configuration.notes { screen.say("note: \(config): \(note)") }
            try await conduct(configuration, screen)
        } catch let failure as Failure {
            screen.close()
            StandardStream.error.write("error: \(failure.text)\n")
            throw ExitCode(failure.code)
        }
    }

    private func conduct(_ configuration: ExperimentConfiguration, _ screen: Screen) async throws {
        let pace = pace ?? (screen.style.isLive ? 0.02 : 0)
        let (config, data, fresh) = (config, data, fresh)
        let work = Task {
            try await Self.perform(
                configuration, data: data, fresh: fresh, pace: .seconds(pace), screen,
                arguments: config == Self.defaultExample ? "" : " \(config)")
        }
        let interruption = Interruption { work.cancel() }
        defer { interruption.end() }
        do {
            let text = try await work.value
            screen.close()
            StandardStream.output.write(text)
        } catch {
            screen.close()
            if interruption.hasCome {
                StandardStream.error.write("stopped; run the same command again and it goes on where it was\n")
                throw ExitCode(130)
            }
            throw Failure(error, data: data)
        }
    }

    /// Opens the store, runs, reads the result.
    private static func perform(
        _ configuration: ExperimentConfiguration, data: String, fresh: Bool, pace: Duration, _ screen: Screen,
        arguments: String
    ) async throws -> String {
        let store = try await Metastore.open(.sqlite(data + "/metastore.db"))
        do {
            let master = Master(store, checkpoints: data + "/checkpoints", pace: pace) { screen.show($0) }
            let outcome = try await master.run(configuration, again: fresh)
            let report = try await ExperimentReport.read(
                outcome.experiment, from: store, suggestions: suggestions(outcome, arguments, data: data))
            screen.close()
            if outcome.wasOver { screen.say("this experiment has ended; here is what it came to") }
            await store.close()
            return report.text(StandardStream.output.style)
        } catch {
            await store.close()
            throw error
        }
    }

    private static func suggestions(
        _ outcome: Master.Outcome, _ arguments: String, data: String
    ) -> [String] {
        let (name, what) =
            arguments.contains("halving")
            ? ("random", "a random search") : ("halving", "asynchronous halving")
        let commands = [
            ("tools/quickstart tools/examples/blobs-\(name).yaml", what),
            ("tools/quickstart\(arguments) --fresh", "one more run, kept beside this one"),
            ("tools/quickstart\(arguments) --fresh --pace 0.3", "slowly: kill -9 it, run it again, compare"),
            ("sqlite3 -readonly \(data)/metastore.db .tables", "a look inside"),
        ]
        let columns = commands.map { TerminalText.width($0.0) }.max() ?? 0
        return commands.map { command, what in
            "\(command)\(String(repeating: " ", count: columns - TerminalText.width(command)))  # \(what)"
        }
    }

    private static func text(of path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            let hint =
                path == defaultExample
                ? "Run it from the root of the repository, or name a configuration."
                : "Name a configuration, for instance \(defaultExample)."
            throw Failure(code: 66, text: "\(path) can't be read. \(hint) Nothing was written.")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw Failure(code: 65, text: "\(path) is not UTF-8. Nothing was written.")
        }
        return text
    }

    private static func read(_ text: String, from path: String) throws -> ExperimentConfiguration {
        do {
            return try ExperimentConfiguration(yaml: text)
        } catch {
            let lines = error.problems.map { problem in
                let setting = problem.path.isEmpty ? "" : problem.path + ": "
                return "  \(path):\(problem.line):\(problem.column): \(setting)\(problem.reason)"
            }
            throw Failure(
                code: 65,
                text: "\(path) can't be used:\n\(lines.joined(separator: "\n"))\nNothing was written.")
        }
    }
}
