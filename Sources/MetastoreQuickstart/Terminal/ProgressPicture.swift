/// What there is to see of a running experiment.
package struct ProgressPicture: Hashable, Sendable {
    package var name: String
    package var time: VirtualTime
    /// 0…1.
    package var progress: Double
    package var trialsEnded: Int
    package var trialsInAll: Int
    package var agentsThere: Int
    package var agentsInAll: Int
    /// The best value of the searcher's metric so far, and its trial.
    package var bestMetric: Double?
    package var bestRequest: String?
    /// The trials that hold slots in their order, then those that wait.
    package var rows: [Row]

    /// One trial.
    package struct Row: Hashable, Sendable {
        package var request: String
        package var batches: Int
        package var target: Int
        package var activity: String
        package var agents: [Int]
        package var metric: Double?
        package var restarts: Int

        package init(
            request: String, batches: Int, target: Int, activity: String, agents: [Int] = [],
            metric: Double? = nil,
            restarts: Int = 0
        ) {
            self.request = request
            self.batches = batches
            self.target = target
            self.activity = activity
            self.agents = agents
            self.metric = metric
            self.restarts = restarts
        }
    }

    package init(
        name: String, time: VirtualTime, progress: Double, trialsEnded: Int, trialsInAll: Int,
        agentsThere: Int,
        agentsInAll: Int, bestMetric: Double? = nil, bestRequest: String? = nil, rows: [Row] = []
    ) {
        self.name = name
        self.time = time
        self.progress = progress
        self.trialsEnded = trialsEnded
        self.trialsInAll = trialsInAll
        self.agentsThere = agentsThere
        self.agentsInAll = agentsInAll
        self.bestMetric = bestMetric
        self.bestRequest = bestRequest
        self.rows = rows
    }

    /// The picture of a simulation at this moment.
    package init(of simulation: Simulation, named name: String) {
        let state = simulation.state
        let best = state.best(under: simulation.plan.search)
        self.init(
            name: name, time: state.now, progress: state.searcher.progress(under: simulation.plan.search),
            trialsEnded: state.completedCount + state.failedCount,
            trialsInAll: simulation.plan.search.method.trials,
            agentsThere: state.agents.count { $0.returnsAt == nil }, agentsInAll: state.agents.count,
            bestMetric: best?.metric, bestRequest: best?.request.short)
        let trials = state.trials.sorted { ($0.value.ordinal, $0.key) < ($1.value.ordinal, $1.key) }
        let all = trials.map { request, trial in Row(request, trial) }
        rows = all.filter { !$0.agents.isEmpty } + all.filter { $0.agents.isEmpty && $0.activity != "" }
    }
}

extension ProgressPicture.Row {
    init(_ request: RequestID, _ trial: SimulatedTrial) {
        let (activity, agents): (String, [Int]) =
            switch trial.phase {
            case .idle: ("", [])
            case .waiting: ("waits", [])
            case .running(.runStep, let agents, _, _): ("trains", agents.map(\.agent))
            case .running(.validate, let agents, _, _): ("validates", agents.map(\.agent))
            case .running(_, let agents, _, _): ("saves", agents.map(\.agent))
            }
        self.init(
            request: request.short, batches: trial.standing.batches, target: trial.target, activity: activity,
            agents: agents, metric: trial.standing.best?.metric, restarts: trial.restarts)
    }
}
