#if PostgreSQL
    import FoundationEssentials
    import Metastore
    import MetastoreModel
    import MetastoreTestSupport
    import Testing

    @Suite struct `A value at the end of its range` {
        private typealias Ask = @Sendable (borrowing Transaction) throws -> [String]

        private static let tiny = Double.leastNonzeroMagnitude
        private static let files: Resources = ["a": .max]

        private static let questions: [(name: String, ask: Ask)] = [
            (
                "experiment",
                { tx in
                    let new = NewExperiment(
                        name: "e",
                        config: [
                            "n": .number(tiny), "m": .number(.greatestFiniteMagnitude), "z": -0.0, "i": .integer(.min),
                        ],
                        priority: .min, startsActive: true)
                    return ["\(try tx.experiments.create(new))"]
                }
            ),
            (
                "progress",
                { tx in ["\(try tx.experiments.update(1, ExperimentEdit(priority: .max, progress: tiny)))"] }
            ),
            ("-0", { tx in ["\(try tx.experiments.update(1, ExperimentEdit(progress: -0.0)))"] }),
            (
                "trial",
                { tx in ["\(try tx.trials.create(NewTrial(experiment: 1, hparams: ["x": .number(-tiny)], seed: .min)))"]
                }
            ),
            ("trial", { tx in ["\(try tx.trials.create(NewTrial(experiment: 1, seed: .max)))"] }),
            ("no such id", { tx in ["\(try tx.trials.get(ID(rawValue: .min)))"] }),
            ("no such id", { tx in ["\(try tx.experiments.get(ID(rawValue: .max)))"] }),
            (
                "step",
                { tx in
                    let run = WorkloadReport(trial: 1, generation: 0, step: .max, kind: .runStep, totalBatches: .max)
                    return ["\(try tx.workloads.report(run))"]
                }
            ),
            (
                "metric",
                { tx in
                    var answers: [String] = []
                    for (trial, metric) in [(1, tiny), (2, -.greatestFiniteMagnitude)] as [(ID<Trial>, Double)] {
                        _ = try tx.workloads.report(
                            WorkloadReport(
                                trial: trial, generation: 0, step: 1, kind: .runStep,
                                totalBatches: trial == 1 ? .max : 1))
                        let report = WorkloadReport(
                            trial: trial, generation: 0, step: 1, kind: .computeValidationMetrics,
                            totalBatches: trial == 1 ? .max : 1, metrics: ["validation_loss": metric])
                        answers.append("\(try tx.workloads.report(report))")
                    }
                    return answers
                }
            ),
            ("ranks", { tx in ["\(try tx.trials.list(of: 1).records)", "\(try tx.experiments.bestTrial(1) as Any)"] }),
            // Broke: which file the error named followed from the order of a dictionary.
            (
                "files",
                { tx in
                    let report = CheckpointReport(
                        uuid: UUID(), trial: 1, generation: 0, totalBatches: 0,
                        resources: ["a": .max, "b": 1, "c": .max])
                    return ["\(try tx.checkpoints.report(report))"]
                }
            ),
            (
                "checkpoints",
                { tx in
                    try (0..<3 as Range<Int64>).map { number in
                        let uuid = UUID(uuidString: "00000000-0000-4000-8000-00000000000\(number)")!
                        let report = CheckpointReport(
                            uuid: uuid, trial: 1, generation: 0, totalBatches: number, resources: files)
                        return "\(try tx.checkpoints.report(report))"
                    }
                }
            ),
            // Broke: neither engine could add them up, and each said so in its own way.
            ("totals", { tx in ["\(try tx.experiments.checkpointTotals(1))"] }),
            ("collectable", { tx in ["\(try tx.checkpoints.collectable(1))"] }),
            (
                "stored: a large pool",
                { tx in
                    let new = NewPool(
                        name: "p", minInstances: 2_147_483_647, maxInstances: 2_147_483_647, isSpot: true,
                        maxPrice: .greatestFiniteMagnitude,
                        idlePeriod: .seconds(Int64.max))
                    return ["\(try tx.pools.put(new))", "\(try tx.pools.get("p"))"]
                }
            ),
            // Broke: the answer still had what the row couldn't keep.
            (
                "stored: part of a microsecond",
                { tx in
                    let new = NewPool(name: "p", maxPrice: .leastNonzeroMagnitude, idlePeriod: .nanoseconds(1_999))
                    return ["\(try tx.pools.put(new))", "\(try tx.pools.get("p"))"]
                }
            ),
            ("pool", { tx in ["\(try tx.pools.put(NewPool(name: "q", minInstances: .min)))"] }),
            ("pool", { tx in ["\(try tx.pools.put(NewPool(name: "q", maxInstances: .max)))"] }),
            (
                "slots",
                { tx in
                    let slots = [NewSlot(index: .max), NewSlot(index: 0)]
                    return ["\(try tx.agents.register(NewAgent(id: "a", pool: "p", slots: slots)))"]
                }
            ),
            ("slot", { tx in ["\(try tx.slots.setEnabled("a", .min, to: false))"] }),
            ("task", { tx in ["\(try tx.tasks.create(NewTask(kind: .shell)))"] }),
            (
                "allocation",
                { tx in
                    let new = NewAllocation(task: 1, pool: "p", slots: .max, priority: .min)
                    return ["\(try tx.allocations.create(new))"]
                }
            ),
            (
                "allocation",
                { tx in ["\(try tx.allocations.create(NewAllocation(task: 1, pool: "p", priority: .max)))"] }
            ),
            ("waiting", { tx in ["\(try tx.allocations.waiting(in: "p"))"] }),
            ("port", { tx in ["\(try tx.ports.claim(.max, .notebook, on: "h", for: 1))"] }),
            ("ports", { tx in ["\(try tx.ports.reserve(.notebook, count: 1_000, on: "h", for: 1))"] }),
            ("snapshot", { tx in ["\(try tx.snapshots.put(1, version: .max, content: [:]))"] }),
            (
                "stored: a lease",
                { tx in
                    let lease = try tx.leases.grant(timeToLive: .nanoseconds(1_000_000_999))
                    return ["\(lease)", "\(try tx.leases.get(lease.id))"]
                }
            ),
            ("lease", { tx in ["\(try tx.leases.grant(timeToLive: .seconds(Int64.max)))"] }),
            ("bytes", { tx in ["\(try tx.keyValue.put("n/k", Array(0...255)))"] }),
            ("bytes", { tx in ["\(try tx.keyValue.put("n/long", [UInt8](repeating: 255, count: 8 << 20)).revision)"] }),
            ("revision", { tx in ["\(try tx.keyValue.put("n/k", "1", ifRevision: Revision(.max)))"] }),
            ("revision", { tx in ["\(try tx.keyValue.put("n/k", "1", ifRevision: Revision(.min)))"] }),
        ]

        @Test func `is the same on SQLite and PostgreSQL, and read as it was answered`() async throws {
            let pair = try await TwoStores(seed: Load.seed)
            var log: [String] = []
            for question in Self.questions {
                log.append(question.name)
                do {
                    let said = try await pair.ask(after: log) { try await $0.write(question.ask) }
                    // A put, and what is read after it.
                    if question.name.hasPrefix("stored") {
                        #expect(said.count == 2 && said[0] == said[1], "\(question.name): \(said)")
                    }
                } catch {
                    Issue.record("\(question.name): \(error)")
                }
            }
            let contents = [try await pair.stores[0].contents(), try await pair.stores[1].contents()]
            try pair.same("contents", contents)
            for store in pair.stores {
                #expect(try await store.verify().isClean)
                await store.close()
            }
        }
    }
#endif
