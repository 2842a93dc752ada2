import FoundationEssentials
import MetastoreQuickstart

/// Configurations for tests, built from parts that a test may replace.
enum Sample {
    static let hyperparameters = """
        hyperparameters:
          learning_rate: {type: log, base: 10, minval: -4, maxval: 1, count: 4}
          l2: {type: double, minval: 0, maxval: 0.1, count: 3}
          batch_size: 4
        """

    static let searchers = [
        "{name: single, metric: validation_loss, max_length: 60}",
        "{name: random, metric: validation_loss, max_trials: 7, max_length: 40, max_concurrent_trials: 3}",
        "{name: grid, metric: validation_accuracy, smaller_is_better: false, max_length: 30}",
        "{name: async_halving, metric: validation_loss, max_trials: 12, max_length: 36, num_rungs: 3, "
            + "divisor: 3, max_concurrent_trials: 5}",
    ]

    static func text(
        searcher: String = searchers[1], hyperparameters: String = hyperparameters, seed: UInt64 = 1,
        more: String = "simulation: {agents: 3, slots_per_agent: 2, agent_loss_probability: 0.1}"
    ) -> String {
        """
        name: sample
        \(hyperparameters)
        searcher: \(searcher)
        seed: \(seed)
        scheduling_unit: 10
        \(more)

        """
    }

    static func configuration(
        searcher: String = searchers[1], seed: UInt64 = 1,
        more: String = "simulation: {agents: 3, slots_per_agent: 2, agent_loss_probability: 0.1}"
    ) throws -> ExperimentConfiguration {
        try ExperimentConfiguration(yaml: text(searcher: searcher, seed: seed, more: more))
    }
}

/// What a configuration is refused for, one line each; nothing if it isn't.
func refusals(_ yaml: String) -> [String] {
    do {
        _ = try ExperimentConfiguration(yaml: yaml)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// The folder of the package.
let packageFolder: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
}()

func exampleText(_ name: String) throws -> String {
    let data = try Data(contentsOf: URL(filePath: packageFolder + "/tools/examples/" + name))
    return String(decoding: data, as: UTF8.self)
}
