import MetastoreQuickstart
import Testing

@Suite struct `A configuration` {
    @Test func `is read in full`() throws {
        let text = """
            name: "full: one"
            description: |
              all there is
            labels: [a, 'b c']
            hyperparameters:
              learning_rate: {type: log, minval: -3, maxval: 0}
              l2: {type: double, minval: 0, maxval: 1, count: 5}
              batch_size: {type: int, minval: 1, maxval: 8, count: 3}
              momentum: 0.5
              optimizer: {type: categorical, vals: [sgd, 1, 2.5, true]}
              dropout: {type: const, val: 0.1}
            searcher:
              name: async_halving
              metric: validation_accuracy
              smaller_is_better: false
              max_trials: 100
              max_length: {batches: 1000}
              num_rungs: 3
              divisor: 5
              max_concurrent_trials: 10
            resources: {slots_per_trial: 8, priority: 3, pool: gpu}
            scheduling_unit: 25
            min_validation_period: 50
            min_checkpoint_period: 75
            checkpoint_policy: {save_experiment_best: 2, save_trial_best: 3, save_trial_latest: 4}
            max_restarts: 9
            seed: 77
            simulation:
              agents: 5
              slots_per_agent: 4
              agent_loss_probability: 0.25
              agent_return_seconds: 12
              batch_seconds: 1e-3
              duration_spread: 0

            """
        let found = try ExperimentConfiguration(yaml: text)
        #expect(
            found.name == "full: one" && found.description == "all there is\n"
                && found.labels == ["a", "b c"])
        #expect(
            found.hyperparameters == [
                "learning_rate": .log(base: 10, minimum: -3, maximum: 0, count: nil),
                "l2": .double(minimum: 0, maximum: 1, count: 5),
                "batch_size": .integer(minimum: 1, maximum: 8, count: 3),
                "momentum": .constant(.number(0.5)),
                "optimizer": .categorical([.text("sgd"), .integer(1), .number(2.5), .flag(true)]),
                "dropout": .constant(.number(0.1)),
            ])
        #expect(found.searcher.method == .asyncHalving(trials: 100, lengths: [40, 200, 1000], divisor: 5))
        #expect(found.searcher.metric == "validation_accuracy" && !found.searcher.smallerIsBetter)
        #expect(found.searcher.maxConcurrentTrials == 10)
        #expect(
            found.resources.slotsPerTrial == 8 && found.resources.priority == 3
                && found.resources.pool == "gpu")
        #expect(
            found.schedulingUnit == 25 && found.minValidationPeriod == 50 && found.minCheckpointPeriod == 75)
        #expect(found.retention.experimentBest == 2)
        #expect(found.retention.trialBest == 3 && found.retention.trialLatest == 4)
        #expect(found.maxRestarts == 9 && found.seed == 77)
        let cluster = found.simulation
        #expect(cluster.agents == 5 && cluster.slotsPerAgent == 4 && cluster.agentLossProbability == 0.25)
        #expect(
            cluster.agentReturnSeconds == 12 && cluster.batchSeconds == 0.001 && cluster.durationSpread == 0)
        #expect(found.source == text)
        #expect(found.notes.map(\.path) == ["hyperparameters.optimizer", "hyperparameters.dropout"])
    }

    @Test func `has defaults for what may be left out`() throws {
        let found = try ExperimentConfiguration(
            yaml: """
                name: small
                hyperparameters: {learning_rate: 0.1}
                searcher: {name: single, metric: validation_loss, max_length: 100}
                """)
        #expect(found.searcher.method == .single(length: 100))
        #expect(found.searcher.smallerIsBetter && found.searcher.maxConcurrentTrials == 16)
        #expect(found.retention.experimentBest == 0)
        #expect(found.retention.trialBest == 1 && found.retention.trialLatest == 1)
        #expect(found.simulation == .standard && found.maxRestarts == 5 && found.seed == 0)
        #expect(found.resources.slotsPerTrial == 1 && found.resources.priority == 42)
        #expect(found.resources.pool == "default")
        #expect(found.notes.isEmpty)
    }

    @Test(arguments: Sample.searchers) func `written as JSON reads back the same`(_ searcher: String) throws {
        let first = try Sample.configuration(searcher: searcher)
        var second = try ExperimentConfiguration(yaml: first.json)
        #expect(second.json == first.json)
        second.source = first.source
        #expect(second == first)
    }

    @Test func `as JSON keeps what a text looks like from outside`() throws {
        let awkward = "name: \"a\\\"b\\\\c\\u0007\\u009f\\n\\t é 漢 🦆\"\nlabels: ['1', 'true', 'null', ~1]\n"
        let first = try ExperimentConfiguration(
            yaml: awkward
                + Sample.text().split(
                    separator: "\n", omittingEmptySubsequences: false
                ).dropFirst().joined(separator: "\n"))
        let second = try ExperimentConfiguration(yaml: first.json)
        #expect(second.name == first.name && second.labels == first.labels)
        #expect(first.labels == ["1", "true", "null", "~1"])
    }

    @Test(arguments: ["blobs-random.yaml", "blobs-halving.yaml"])
    func `that ships as an example is read without a note`(_ name: String) throws {
        let found = try ExperimentConfiguration(yaml: try exampleText(name))
        #expect(found.notes.isEmpty && found.name + ".yaml" == name)
    }
}

@Suite struct `A bad configuration` {
    @Test func `is refused with every line and reason`() {
        let found = refusals(
            """
            name: bad
            hyperparameters:
              learning_rate: {type: double, minval: 0.5, maxval: 0.1}
              l2: {type: lgo, minval: -4, maxval: -2}
              batch_size: {type: int, minval: 1}
            searcher:
              name: rnadom
              metric: validation_los
              max_length: {batch: 100}
            max_restart: 3
            resources: {slots_per_trial: 99}
            """)
        #expect(
            found.joined(separator: "\n") == """
                line 3, column 54: hyperparameters.learning_rate.maxval: maxval 0.1 is below minval 0.5; \
                swap them, or use type const for a single value
                line 4, column 14: hyperparameters.l2.type: "lgo" is no type of hyperparameter; there are \
                const, double, log, int, categorical. Did you mean "log"?
                line 5, column 15: hyperparameters.batch_size.maxval: is missing; for example "maxval: 8"
                line 7, column 9: searcher.name: "rnadom" is no searcher; there are single, random, grid, \
                async_halving. Did you mean "random"?
                line 8, column 11: searcher.metric: the example's model reports no "validation_los"; it \
                reports validation_accuracy, validation_error, validation_loss. Did you mean \
                "validation_loss"?
                line 9, column 15: searcher.max_length.batches: is missing; for example "batches: 1000"
                line 9, column 16: searcher.max_length.batch: is nothing searcher.max_length knows. Did you \
                mean "batches"?
                line 10, column 1: max_restart: is nothing an experiment knows. Did you mean "max_restarts"?
                line 11, column 30: resources.slots_per_trial: is 99, but the cluster has 8 slots \
                (simulation.agents × slots_per_agent): such a trial would wait for ever
                """)
    }

    @Test(arguments: [
        ("", "line 1, column 1: the file is empty"),
        ("just a text", "line 1, column 1: wants a mapping"),
        ("- 1\n- 2", "line 1, column 1: wants a mapping"),
        ("name: x\nname: y", "\"name\" stands there twice"),
        ("name: [x", "not YAML"),
        ("name: x\n\tlabels: []", "line 2"),
        ("name: *nowhere", "undefined alias"),
        ("name: x\n--- \nname: y", "another document"),
        ("? [a, b]\n: c", "a name must be a text"),
        ("name: \"a\\0b\"", "NUL"),
        ("labels: {a: b}", "labels: wants a list, as in [1, 2], found a mapping"),
        ("labels: [[a]]", "labels[0]: wants a text, found a list"),
        ("seed: -1", "seed: is -1; it must be at least 0"),
        ("seed: 99999999999999999999", "seed: wants a whole number, found 1e20"),
        ("max_restarts: many", "max_restarts: wants a whole number, found the text \"many\""),
        ("simulation: {agents: 0}", "simulation.agents: is 0; it must be between 1 and 1,000"),
        ("simulation: {agent_loss_probability: 1.5}", "is 1.5; it must be between 0 and 1"),
        ("simulation: {agent_loss_probability: .nan}", "wants a finite number, found NaN"),
        ("scheduling_unit: 0", "scheduling_unit: is 0"),
        ("sed: 3", "sed: is nothing an experiment knows. Did you mean \"seed\"?"),
        ("name:", "name: has no value; for example \"name: mnist-random\""),
    ])
    func `says what is wrong`(_ yaml: String, _ expected: String) {
        let found = refusals(yaml)
        #expect(found.contains { $0.contains(expected) }, "\(found)")
    }

    @Test(arguments: [
        ("{name: random, metric: validation_loss, max_length: 40}", "searcher.max_trials: is missing"),
        (
            "{name: random, metric: validation_loss, max_length: 40, max_trials: 0}",
            "searcher.max_trials: is 0"
        ),
        (
            "{name: random, metric: loss, max_length: 40, max_trials: 2}",
            "the example's model reports no \"loss\""
        ),
        ("{name: single, metric: validation_loss, max_length: 0}", "searcher.max_length: is 0"),
        (
            "{name: single, metric: validation_loss, max_length: 9, smaller_is_better: yes}",
            "wants true or false, in these words, found the text \"yes\""
        ),
        (
            "{name: single, metric: validation_loss, max_length: 9, num_rungs: 3}",
            "searcher.num_rungs: is nothing searcher knows"
        ),
        (
            "{name: async_halving, metric: validation_loss, max_trials: 9, max_length: 8, num_rungs: 3, "
                + "divisor: 3}",
            "less than one batch"
        ),
        (
            "{name: async_halving, metric: validation_loss, max_trials: 8, max_length: 90, num_rungs: 3, "
                + "divisor: 3}",
            "8 is too few: with num_rungs 3 and divisor 3 only one trial in 9"
        ),
    ])
    func `names what the searcher lacks`(_ searcher: String, _ expected: String) {
        let found = refusals(Sample.text(searcher: searcher))
        #expect(found.contains { $0.contains(expected) }, "\(found)")
    }

    @Test(arguments: [
        ("{type: double, minval: 0, maxval: .inf}", "wants a finite number, found Infinity"),
        ("{type: log, base: 1, minval: 0, maxval: 1}", "is 1; it must be between"),
        ("{type: log, base: 1000, minval: -250, maxval: 250}", "not a number a computer can hold"),
        ("{type: int, minval: 5, maxval: 4}", "maxval 4 is below minval 5"),
        ("{type: int, minval: 1.5, maxval: 4}", "wants a whole number, found 1.5"),
        ("{type: categorical, vals: []}", "wants at least one value"),
        ("{type: categorical, vals: [1, 2, 1]}", "vals[2]: 1 is in the list twice"),
        ("{type: categorical, vals: [fast, slow]}", "learning_rate: must be a number"),
        ("{type: const}", "learning_rate.val: is missing"),
        ("{minval: 1}", "learning_rate.type: is missing"),
        ("-0.1", "may be -0.1; it must be at least 0"),
        ("[1, 2]", "wants a mapping"),
        ("{type: double, minval: 0, maxval: 1, cuont: 3}", "Did you mean \"count\"?"),
    ])
    func `names the hyperparameter`(_ value: String, _ expected: String) {
        let found = refusals(Sample.text(hyperparameters: "hyperparameters:\n  learning_rate: \(value)"))
        #expect(found.contains { $0.contains(expected) && $0.hasPrefix("line 3, ") }, "\(found)")
    }

    @Test func `asks for the counts of a grid, and bounds it`() {
        let open = "hyperparameters: {learning_rate: {type: double, minval: 0, maxval: 1}}"
        let grid = Sample.searchers[2]
        #expect(
            refusals(Sample.text(searcher: grid, hyperparameters: open)).first?
                .contains("give hyperparameters.learning_rate.count") == true)
        let large = """
            hyperparameters:
              learning_rate: {type: double, minval: 0, maxval: 1, count: 1000}
              l2: {type: int, minval: 1, maxval: 101}
            """
        #expect(
            refusals(Sample.text(searcher: grid, hyperparameters: large)).first?
                .contains("the grid has 101 × 1000 points; at most 100,000") == true)
    }

    @Test func `notes a misspelt hyperparameter and a search for the worst`() throws {
        let text = Sample.text(
            searcher: "{name: single, metric: validation_accuracy, max_length: 9}",
            hyperparameters: "hyperparameters: {learning_rte: 0.1}")
        let notes = try ExperimentConfiguration(yaml: text).notes.map(\.description)
        #expect(notes.count == 2 && notes[0].contains("Did you mean \"learning_rate\"?"))
        #expect(notes[1].contains("more accuracy is better"))
    }

    @Test func `tells of slots no trial could get`() {
        let cluster = "\nsimulation: {agents: 3, slots_per_agent: 2}"
        #expect(
            refusals(Sample.text(more: "resources: {slots_per_trial: 7}" + cluster)).first?
                .contains("the cluster has 6 slots") == true)
        #expect(
            refusals(Sample.text(more: "resources: {slots_per_trial: 3}" + cluster)).first?
                .contains("multiple of simulation.slots_per_agent (2)") == true)
        #expect(refusals(Sample.text(more: "resources: {slots_per_trial: 4}" + cluster)).isEmpty)
    }
}

@Suite struct `A hostile configuration` {
    static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    struct Attack: CustomTestStringConvertible {
        let testDescription: String
        let yaml: String
        let expected: String

        init(_ name: String, _ yaml: String, _ expected: String) {
            (testDescription, self.yaml, self.expected) = (name, yaml, expected)
        }
    }

    @Test(arguments: [
        Attack("too long", "name: \(repeated("x", 1 << 20))", "at most 1 MiB"),
        Attack("flow nesting", "name: \(repeated("[", 100_000))", "nested too deeply"),
        Attack("compact nesting", repeated("- ", 100_000), "nested too deeply"),
        Attack("key nesting", repeated("? ", 100_000), "nested too deeply"),
        Attack("block nesting", (0..<200).map { repeated(" ", $0) + "a:\n" }.joined(), "nested too deeply"),
        Attack("deep block nesting", (0..<1400).map { repeated(" ", $0) + "a:\n" }.joined(), "line"),
        Attack("too many values", "labels: [\(repeated("a, ", 30_000))]", "too much here"),
        Attack("too many labels", "labels: [\(repeated("a, ", 100))]", "at most 64 are read"),
        Attack("long name", "name: \(repeated("x", 129))", "129 bytes long"),
        Attack(
            "alias bomb", (1..<30).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined(),
            "more than 8 aliases"),
        Attack(
            "alias bomb as a key", "a: &a [x, x]\n? [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n: b",
            "more than 8 aliases"),
        Attack("invalid bytes", "name: \u{1}", "not a YAML text"),
        Attack("many problems", (0..<500).map { "k\($0): 1\n" }.joined(), "line 47,"),
    ])
    func `is refused quickly`(_ attack: Attack) {
        let clock = ContinuousClock()
        var found: [String] = []
        let time = clock.measure { found = refusals(attack.yaml) }
        #expect(found.contains { $0.contains(attack.expected) }, "\(found.prefix(2))")
        #expect(found.count <= 50 && time < .seconds(5), "\(time)")
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func `never ends the process`(_ seed: UInt64) {
        var stream = Randomness(seed: seed, "mutations")
        let original = Array(Sample.text(searcher: Sample.searchers[3]).utf8)
        for _ in 0..<50 {
            var bytes = original
            for _ in 0...stream.below(4) {
                switch stream.below(3) {
                case 0: bytes[stream.below(bytes.count)] = UInt8(stream.below(128))
                case 1: bytes.remove(at: stream.below(bytes.count))
                default:
                    bytes.insert(
                        Array("[]{}:-?&*#\"'|>~,\n ".utf8)[stream.below(18)], at: stream.below(bytes.count))
                }
            }
            for problem in refusals(String(decoding: bytes, as: UTF8.self)) {
                #expect(problem.hasPrefix("line "), "seed \(seed)")
            }
        }
    }
}
