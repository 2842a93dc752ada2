internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `What a report says` {
    private func data(_ path: String, _ bounds: ReportData.Bounds = .init()) throws -> ReportData {
        try Inspection.open(path: path).reportData(bounds)
    }

    @Test func `is what a store with a row of every kind holds`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            let inspection = try Inspection.open(path: path)
            let data = try inspection.reportData()
            #expect(data.missing == [] && data.doubtful == 0)
            #expect(data.head.verdict == .clean && data.head.leader == "master-0" && !data.head.isPast)
            #expect(data.experiments.total == 2 && data.experiments.rows.map(\.id) == [3, 2])
            #expect(data.experimentStates.map(\.state) == ["ACTIVE", "ERROR"])
            #expect(data.trialStates.map(\.count) == [1, 1])
            #expect(data.checkpointStates.map(\.count) == [1] && data.keptBytes == Double(Int64.max))
            #expect(data.holders.map(\.name) == ["mnist 😀 \u{10FFFF} e\u{301}"])
            #expect(data.agents.rows.map(\.id) == ["agent/1"] && data.slots == 2 && data.usedSlots == 2)
            #expect(data.consumers.rows.map(\.name) == [FullStore.consumer])
            #expect(data.consumers.rows[0].under == "experiments/2" && data.consumers.total == 1)
            let position = try inspection.record(.consumer(FullStore.consumer))?["position_revision"]
            let lag = try #require(data.consumers.rows[0].lag)
            #expect(position == .integer(data.head.revision.rawValue - lag) && lag > 0)
            #expect(try data.workloads == Int(inspection.store.count(of: .workload)))
        }
    }

    @Test func `counts, ranks and adds up`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            let data = try data(path)
            let (experiments, trials) = (BusyStore.experiments, BusyStore.trials)
            #expect(data.experiments.rows.map(\.name) == BusyStore.names.reversed())
            #expect(
                data.experimentStates.map { "\($0.state) \($0.count)" } == [
                    "ACTIVE 3", "PAUSED 3", "COMPLETED 3", "ERROR 3",
                ])
            #expect(data.trialStates.map { "\($0.state) \($0.count)" } == ["ACTIVE 18", "COMPLETED 9", "ERROR 9"])
            #expect(data.experiments.rows.allSatisfy { $0.trials == trials })
            #expect(data.experiments.rows.first { $0.id == 4 }?.unfinishedTrials == trials)
            #expect(data.workloads == experiments * trials * Int(BusyStore.steps) * 2)
            let bytes = (1...experiments * trials).reduce(0.0) { $0 + 2 * Double($1 << 27) }
            #expect(
                data.checkpointStates.map { "\($0.state) \($0.count)" } == ["COMPLETED \(experiments * trials * 2)"])
            #expect(data.keptBytes == bytes)
            #expect(data.holders.map(\.experiment) == (3...12).reversed())
            #expect(data.agentStates.map { "\($0.state) \($0.count)" } == ["ACTIVE 2", "DRAINING 1"])
            #expect(data.slots == 12 && data.usedSlots == 3 && data.agents.rows[0].usedSlots == 3)
            let behind = data.head.revision.rawValue - data.consumers.rows[0].position
            #expect(data.consumers.rows[0].lag == behind && behind >= 5)
            // The best of each of twelve, then the second best of eight.
            #expect(data.bestTrials.map(\.rank) == Array(repeating: 1, count: 12) + Array(repeating: 2, count: 8))
            #expect(data.bestTrials.map(\.experiment) == (1...12).reversed() + (5...12).reversed())
            for best in data.bestTrials where best.rank == 1 {
                let own = try Inspection.open(path: path).list(ranking(best.experiment)) { record in
                    guard case .real(let value) = record["best_metric"] else { return true }
                    #expect(best.smallerIsBetter ? best.value <= value : best.value >= value)
                    return true
                }
                #expect(own.shown == trials)
            }
        }
    }

    private func ranking(_ experiment: Int64) -> RecordQuery {
        var query = RecordQuery(.trial)
        query.under = KeyPrefix(.experiment(ID(rawValue: experiment)))
        return query
    }

    @Test func `has no point for what isn't finite, and tells how many`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            var bounds = ReportData.Bounds()
            (bounds.bestTrials, bounds.curves) = (36, 36)
            let data = try data(path, bounds)
            #expect(data.curves.count == 36)
            for curve in data.curves {
                let lost = curve.trial == BusyStore.diverging ? 4 : 0
                #expect(curve.notFinite == lost && curve.measured == Int(BusyStore.steps) - lost)
                #expect(curve.points.count == curve.measured && curve.points.allSatisfy { $0.value.isFinite })
                #expect(curve.points.map(\.batches) == (1...Int64(curve.measured)).map { $0 * 100 })
            }
        }
    }

    @Test func `is bounded, and what is left out is counted`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            var bounds = ReportData.Bounds()
            (bounds.experiments, bounds.bestTrials, bounds.curves, bounds.points) = (5, 4, 2, 10)
            (bounds.bars, bounds.trialsPerExperiment, bounds.holders) = (6, 2, 3)
            (bounds.agents, bounds.consumers) = (1, 0)
            let data = try data(path, bounds)
            #expect(data.experiments.rows.map(\.id) == [12, 11, 10, 9, 8] && data.experiments.hidden == 7)
            #expect(data.bestTrials.count == 4 && data.curves.count == 2 && data.holders.count == 3)
            #expect(data.curves.allSatisfy { $0.points.count == 10 && $0.measured == Int(BusyStore.steps) })
            #expect(data.bars.rows.map { $0.trial == nil } == [true, false, false, true, false, false])
            #expect(data.agents.rows.count == 1 && data.agents.hidden == 2 && data.consumers.hidden == 1)
            let text = try ParsedPage(ReportPage(data).html()).text
            #expect(text.contains("… and 7 older experiments.") && text.contains("… and 2 further agents."))
            #expect(text.contains("further experiments and trials.") && text.contains("Thinned:"))
        }
    }

    @Test func `of the past is as of then`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            let now = try data(path).head.revision
            let inspection = try Inspection.open(path: path)
            // Before the last five entries, the consumer's two commits, and the last experiment's end.
            try inspection.showPast(at: .revision(Revision(rawValue: 10)))
            let data = try inspection.reportData(isPast: true)
            #expect(data.head.revision == 10 && data.head.revision < now && data.head.isPast && data.missing == [])
            #expect(data.experiments.total == 1 && data.experimentStates.map(\.state) == ["ACTIVE"])
            #expect(data.consumers.rows.allSatisfy { $0.lag == nil } && data.workloads ?? 0 > 0)
            #expect(data.bestTrials.first?.experiment == 1 && data.curves.first?.points.isEmpty == false)
            let text = try ParsedPage(ReportPage(data).html()).text
            #expect(text.contains("as of revision 10") && text.contains("An earlier state is shown"))
        }
    }

    @Test func `leaves out what can't be read, and names it`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            // One of them is named twice: among the experiments, and for its checkpoints.
            try doctor(path, "DROP TABLE slots; UPDATE experiments SET name = 'another' WHERE id IN (1, 7);")
            let data = try data(path)
            #expect(data.missing.map(\.what) == ["agents"] && data.doubtful == 2)
            #expect(data.experiments.total == BusyStore.experiments && data.consumers.rows.count == 1)
            let text = try ParsedPage(ReportPage(data).html()).text
            #expect(text.contains("Not shown: agents.") && text.contains("another hash than their own: 2."))
        }
    }

    @Test func `of a store in use is what was committed`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            let store = try await Metastore.open(.sqlite(path))
            try await store.keyValue.put("n/new", "1")
            let inspection = try Inspection.open(path: path)
            let data = try inspection.reportData()
            #expect(data.head.verdict == .live && data.head.revision == store.position.revision && data.missing == [])
            await store.close()
        }
    }

    #if PostgreSQL
        @Test func `is the same on a server`() async throws {
            try await withScratch { root in
                let path = root + "/metastore.db"
                try await BusyStore.make(path)
                let file = try data(path)
                let source = try TestEngine.postgresql.source(in: root)
                defer { TestEngine.postgresql.remove(from: root) }
                try await BusyStore.make(in: source)
                let inspection = try Inspection.open(server: source)
                let server = try inspection.reportData()
                #expect(server.missing == [] && server.doubtful == 0 && server.head.verdict == .live)
                #expect(server.experiments.rows == file.experiments.rows && server.bestTrials == file.bestTrials)
                #expect(server.curves == file.curves && server.bars.rows == file.bars.rows)
                #expect(server.trialStates == file.trialStates && server.holders == file.holders)
                #expect(server.checkpointStates == file.checkpointStates && server.workloads == file.workloads)
                #expect(server.agents.rows == file.agents.rows && server.consumers.rows == file.consumers.rows)
                try inspection.showPast(at: .revision(Revision(rawValue: 10)))
                let past = try inspection.reportData(isPast: true)
                #expect(past.missing == [] && past.experiments.total == 1)
            }
        }
    #endif

    @Test func `keeps the lowest and the highest of a thinned curve`() throws {
        var bounds = ReportData.Bounds()
        bounds.points = 50
        var random = Seeded(3)
        for count in [3, 50, 51, 1_000, 4_321] {
            let points = (0..<count).map {
                ReportData.Curve.Point(batches: Int64($0), value: Double(random.next() % 10_000) - 5_000)
            }
            let kept = Thinning.thinned(points, to: bounds.points)
            #expect(kept.count == min(count, kept.count) && kept.count <= 50 && (count > 50 || kept == points))
            #expect(kept.first == points.first && kept.last == points.last)
            #expect(kept.map(\.value).min() == points.map(\.value).min())
            #expect(kept.map(\.value).max() == points.map(\.value).max())
            #expect(kept.map(\.batches) == kept.map(\.batches).sorted())
        }
    }
}
