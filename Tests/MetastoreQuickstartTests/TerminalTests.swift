import MetastoreModel
import MetastoreQuickstart
import Testing
import MetastoreTerminal

@Suite struct `Progress on a terminal` {
    static let picture = ProgressPicture(
        name: "blobs-random", time: VirtualTime(microseconds: 127_512_345), progress: 0.4, trialsEnded: 3,
        trialsInAll: 8,
        agentsThere: 1, agentsInAll: 2, bestMetric: 0.331_249, bestRequest: "59df9352",
        rows: [
            .init(
                request: "59df9352", batches: 200, target: 400, activity: "trains", agents: [0],
                metric: 0.331_249),
            .init(
                request: "0a1b2c3d", batches: 0, target: 400, activity: "trains", agents: [0, 1],
                restarts: 1),
            .init(request: "ffffffff", batches: 100, target: 400, activity: "waits", restarts: 2),
        ])

    @Test func `is one line for each trial`() {
        let style = TerminalStyle(isLive: true, hasColor: false, hasUnicode: true, width: 100)
        #expect(
            ProgressView.lines(Self.picture, style) == [
                "blobs-random · virtual time 0:02:07.5",
                "█████████░░░░░░░░░░░░░░░  40 % · 3 of 8 trials ended · 1 of 2 agents "
                    + "· best 0.33125 (59df9352)",
                "  59df9352 ██████░░░░░░       200/400  trains     agent-0    0.33125",
                "  0a1b2c3d ░░░░░░░░░░░░         0/400  trains     agent-0…            1 restart",
                "  ffffffff ███░░░░░░░░░       100/400  waits                          2 restarts",
            ])
    }

    @Test func `needs nothing but ASCII where there is nothing else`() {
        let style = TerminalStyle(isLive: true, hasColor: false, hasUnicode: false, width: 60)
        let lines = ProgressView.lines(Self.picture, style)
        #expect(lines[1] == "#########...............  40 % - 3 of 8 trials ended - 1 of~")
        #expect(lines[2] == "  59df9352 ######......       200/400  trains     agent-0  ~")
    }

    @Test func `is coloured if it may be`() {
        let style = TerminalStyle(isLive: true, hasColor: true, hasUnicode: true, width: 100)
        #expect(
            ProgressView.lines(Self.picture, style)[0]
                == "\u{1B}[1mblobs-random\u{1B}[0m\u{1B}[2m · virtual time 0:02:07.5\u{1B}[0m")
    }

    @Test(arguments: [20, 33, 47, 80, 200], [4, 5, 8, 50])
    func `never leaves the screen`(_ width: Int, _ height: Int) {
        var picture = Self.picture
        picture.name = "漢字 and 🦆 and a name that goes on and on and on and on and on and on"
        picture.rows = (0..<30).map {
            .init(
                request: "0000000\($0 % 10)", batches: $0, target: 30, activity: "trains",
                agents: Array(0...$0))
        }
        for color in [false, true] {
            let style = TerminalStyle(
                isLive: true, hasColor: color, hasUnicode: true, width: width, height: height)
            let lines = ProgressView.lines(picture, style)
            #expect(lines.count <= height - 1)
            for line in lines {
                let bare = line.replacing(/\u{1B}\[[0-9]+m/, with: "")
                #expect(TerminalText.width(bare) <= width, "\(bare)")
            }
            #expect(height >= 50 || lines.last?.contains("more trials") == true)
        }
    }

    @Test func `paints over what it painted before`() {
        #expect(ProgressView.repaint(["a", "b"], replacing: 0) == "a\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(ProgressView.repaint(["a"], replacing: 2) == "\u{1B}[2A\ra\u{1B}[K\n\u{1B}[J")
    }

    @Test func `shows what a simulation does`() throws {
        var (simulation, _) = Simulation.begin(
            SimulationPlan(
                try Sample.configuration(
                    searcher: "{name: single, metric: validation_loss, max_length: 60}",
                    more: "simulation: {agents: 2, agent_loss_probability: 0}")))
        for _ in 0..<3 { _ = try simulation.apply(try #require(simulation.next), metric: 1) }
        let picture = ProgressPicture(of: simulation, named: "one")
        #expect(picture.rows.count == 1 && picture.rows[0].activity == "trains")
        #expect(picture.rows[0].batches == 30 && picture.rows[0].target == 60 && picture.trialsInAll == 1)
        while let event = simulation.next { _ = try simulation.apply(event, metric: 0.25) }
        let last = ProgressPicture(of: simulation, named: "one")
        #expect(last.progress == 1 && last.rows.isEmpty && last.trialsEnded == 1 && last.bestMetric == 0.25)
    }
}

@Suite struct `Progress in a pipe` {
    @Test func `is one plain line for what is worth one`() throws {
        let configuration = try Sample.configuration(
            searcher: "{name: random, metric: validation_loss, max_trials: 2, max_length: 40}", seed: 4,
            more:
                "simulation: {agents: 1, agent_loss_probability: 0.15, agent_return_seconds: 10}"
        )
        var (simulation, decisions) = Simulation.begin(SimulationPlan(configuration))
        var lines = decisions.compactMap { ProgressView.plainLine($0, at: .zero) }
        while let event = simulation.next {
            decisions = try simulation.apply(event, metric: 0.5)
            lines += decisions.compactMap {
                ProgressView.plainLine(
                    $0, at: event.time, metrics: ["validation_loss": 0.5, "validation_accuracy": .nan])
            }
        }
        #expect(
            lines == [
                "0:00:00.0  trial bf434887 created (#1): batch_size 4, l2 0.023021, learning_rate 0.059368",
                "0:00:00.0  trial b45faa14 created (#2): batch_size 4, l2 0.064926, learning_rate 8.2581",
                "0:00:00.0  agent-0 lost, back at 0:00:13.4",
                "0:00:00.0  trial b45faa14 goes back to 0 batches, generation 1",
                "0:00:00.0  trial bf434887 goes back to 0 batches, generation 1",
                "0:00:13.4  agent-0 is back",
                "0:00:14.1  agent-0 lost, back at 0:00:26.7",
                "0:00:14.1  trial b45faa14 goes back to 0 batches, generation 2",
                "0:00:14.1  trial bf434887 goes back to 0 batches, generation 2",
                "0:00:26.7  agent-0 is back",
                "0:00:28.4  agent-0 lost, back at 0:00:37.1",
                "0:00:28.4  trial b45faa14 goes back to 0 batches, generation 3",
                "0:00:28.4  trial bf434887 goes back to 0 batches, generation 3",
                "0:00:37.1  agent-0 is back",
                "0:00:39.4  trial b45faa14 validated at 40 batches: validation_accuracy NaN, "
                    + "validation_loss 0.5",
                "0:00:39.6  trial bf434887 validated at 40 batches: validation_accuracy NaN, "
                    + "validation_loss 0.5",
                "0:00:39.7  trial b45faa14 saved at 40 batches",
                "0:00:39.7  trial b45faa14 completed",
                "0:00:39.8  trial bf434887 saved at 40 batches",
                "0:00:39.8  trial bf434887 completed",
                "0:00:39.8  experiment completed",
            ])
    }
}

@Suite struct `The style of output` {
    let terminal = ["TERM": "xterm-256color", "LANG": "en_US.UTF-8"]

    @Test func `follows the environment`() {
        func style(_ more: [String: String], _ isTerminal: Bool = true) -> TerminalStyle {
            TerminalStyle(
                environment: terminal.merging(more) { $1 }, isTerminal: isTerminal, width: 90, height: 30)
        }
        #expect(style([:]) == .init(isLive: true, hasColor: true, hasUnicode: true, width: 90, height: 30))
        #expect(
            style(["NO_COLOR": "1"])
                == .init(isLive: true, hasColor: false, hasUnicode: true, width: 90, height: 30))
        #expect(style(["NO_COLOR": ""]).hasColor)
        #expect(
            style(["TERM": "dumb"])
                == .init(isLive: false, hasColor: false, hasUnicode: true, width: 90, height: 30))
        #expect(style(["LC_ALL": "C"]).hasUnicode == false && style(["LC_ALL": "C.utf8"]).hasUnicode)
        #expect(
            style([:], false)
                == .init(isLive: false, hasColor: false, hasUnicode: false, width: nil, height: 30))
        #expect(
            style(["CLICOLOR_FORCE": "1"], false).hasColor && !style(["CLICOLOR_FORCE": "0"], false).hasColor)
        #expect(!style(["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], false).hasColor)
    }
}

@Suite struct `The final report` {
    static let report = ExperimentReport(
        title: "1 \"blobs\"", state: "COMPLETED", metricName: "validation_loss", trialCount: 3,
        trials: [
            .init(
                request: "59df9352", state: "COMPLETED", batches: 400, restarts: 1,
                hyperparameters: ["learning_rate": .number(0.123_456_7), "batch_size": .integer(16)],
                bestMetric: 0.25,
                checkpoints: [
                    .init(uuid: "aaaa", batches: 300, bytes: 336, metric: 0.25),
                    .init(uuid: "bbbb", batches: 400, bytes: 1536, metric: nil),
                ]),
            .init(
                request: "0a1b2c3d", state: "ERROR", batches: 1, restarts: 0, hyperparameters: [:],
                bestMetric: nil,
                checkpoints: []),
        ],
        collectedCount: 12, collectedBytes: 4096, revisions: 12_345,
        suggestions: ["tools/quickstart --seed 8"])

    @Test func `is a tree on a terminal`() {
        let style = TerminalStyle(isLive: true, hasColor: false, hasUnicode: true, width: 85)
        #expect(
            Self.report.text(style) == """
                experiment 1 "blobs" COMPLETED · 3 trials
                ├─ trial 59df9352 COMPLETED · 400 batches · validation_loss 0.25 (best) · 1 restart …
                │  ├─ checkpoint aaaa · at 300 batches · 336 B · validation_loss 0.25
                │  └─ checkpoint bbbb · at 400 batches · 1.5 KiB
                ├─ trial 0a1b2c3d ERROR · 1 batch
                └─ and 1 more trial

                collected   12 checkpoints · 4.0 KiB
                revisions   12,345
                try next
                  tools/quickstart --seed 8

                """)
    }

    @Test func `is plain and whole in a pipe`() {
        #expect(
            Self.report.text(.plain, trialsMax: 1) == """
                experiment 1 "blobs" COMPLETED, 3 trials
                |- trial 59df9352 COMPLETED, 400 batches, validation_loss 0.25 (best), 1 restart, \
                batch_size 16, learning_rate 0.12346
                |  |- checkpoint aaaa, at 300 batches, 336 B, validation_loss 0.25
                |  `- checkpoint bbbb, at 400 batches, 1.5 KiB
                `- and 2 more trials

                collected   12 checkpoints, 4.0 KiB
                revisions   12,345
                try next
                  tools/quickstart --seed 8

                """)
    }
}

@Suite struct `Text on a terminal` {
    @Test func `can do no harm`() {
        #expect(
            TerminalText.clean("a\u{1B}[31mb\nc\td\u{202E}e\u{0}", width: 99)
                == "a\u{FFFD}[31mb c d\u{FFFD}e\u{FFFD}")
    }

    @Test(arguments: [
        ("hello", 5, "hello"), ("hello", 4, "hel…"), ("漢字漢", 6, "漢字漢"), ("漢字漢", 5, "漢字…"),
        ("漢字漢", 4, "漢…"), ("x", 0, ""), ("é́e", 2, "é́e"),
    ])
    func `is cut by columns`(_ text: String, _ width: Int, _ expected: String) {
        #expect(TerminalText.clean(text, width: width) == expected)
    }

    @Test(
        arguments: [
            (0.0, "0"), (1, "1"), (-1.5, "-1.5"), (0.123_456_7, "0.12346"), (123_456, "123456"),
            (1_234_567.8, "1234568"),
            (0.000_123_456, "0.00012346"), (0.000_012_345_6, "1.2346e-5"), (1e20, "1e20"),
            (9.999_999e-6, "1e-5"),
            (99_999.96, "100000"), (.nan, "NaN"), (-.infinity, "-Infinity"),
            (.leastNonzeroMagnitude, "4.9407e-324"), (0.1 + 0.2, "0.3"),
        ] as [(Double, String)])
    func `has numbers of five digits`(_ value: Double, _ expected: String) {
        #expect(Shown.number(value) == expected)
    }

    @Test func `has sizes, counts and times`() {
        #expect(
            [0, 1023, 1024, 1536, 5 << 20, 3 << 40].map(Shown.bytes) == [
                "0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.0 TiB",
            ])
        #expect(
            [0, 12, 999, 1000, -1_234_567].map(Shown.grouped) == ["0", "12", "999", "1,000", "-1,234,567"])
        #expect(Shown.count(1, "trial") == "1 trial" && Shown.count(2, "batch", "batches") == "2 batches")
        #expect(VirtualTime(microseconds: 3_661_990_000).description == "1:01:01.9")
    }
}
