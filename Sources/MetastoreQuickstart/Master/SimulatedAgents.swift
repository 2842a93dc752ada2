internal import Metastore
internal import MetastoreModel

/// The agents of the cluster: they start the containers they are given, train what the ACTIVE workloads ask
/// for, and report it when it is due in virtual time. Some get lost, and come back.
///
/// Invariants
/// 1. They know only committed rows, and act when rows and snapshot agree: every trial that runs has its
///    containers running, and no other has any.
/// 2. Work is done ahead, several trials at a time, but reported, and its files written, only when its event
///    is the next one.
/// 3. A process belongs to an allocation. One that is gone, with its master or with its agent, is followed by
///    one that starts from the trial's latest checkpoint.
struct SimulatedAgents: Sendable {
    let context: ExperimentContext
    /// How long to wait before each event, so that people can watch.
    let pace: Duration
    private var processes: [ID<Allocation>: TrialProcess] = [:]
    private var results: [WorkloadKey: WorkloadResult] = [:]
    private var reportedEvents = 0
    private let data: TrainingData

    init(_ context: ExperimentContext, pace: Duration) {
        self.context = context
        self.pace = pace
        data = TrainingData(seed: context.plan.seed)
    }

    /// Runs until it is cancelled.
    mutating func run() async throws {
        let start = try await context.store.read { tx in try tx.position }
        try await act()
        let changes = context.store.changes(after: start, of: .snapshots, .allocations, .containers)
        for try await _ in changes.batches { try await act() }
    }

    /// Does what there is to do now; what that changes comes back through the feed.
    private mutating func act() async throws {
        let view = try await ClusterView.read(context)
        if !view.assigned.isEmpty { return try await start(view) }
        guard let event = view.simulation.next, view.isSettled,
            view.simulation.state.eventCount >= reportedEvents
        else { return }
        if pace > .zero { try await Task.sleep(for: pace) }
        try Task.checkCancellation()
        switch event {
        case .workloadCompleted(let key, _): try await report(key, view)
        case .agentLost(let agent, _, _):
            try await context.store.write { tx in try tx.agents.transition(AgentName.of(agent), to: .gone) }
        case .agentReturned(let agent, _):
            let registration = ExperimentSetup.registration(of: agent, in: context.configuration)
            try await context.store.write { tx in try tx.agents.register(registration) }
        }
        reportedEvents = view.simulation.state.eventCount + 1
    }

    /// Starts the containers that were assigned, unless they were ended meanwhile.
    private func start(_ view: ClusterView) async throws {
        try await context.store.write { tx in
            for container in view.assigned where try tx.containers.get(container.id).state == .assigned {
                for state in [ContainerState.pulling, .starting, .running] {
                    try tx.containers.transition(container.id, to: state)
                }
                try tx.allocations.transition(container.allocation, to: .running)
            }
        }
    }

    private mutating func report(_ key: WorkloadKey, _ view: ClusterView) async throws {
        try await work(view)
        guard let result = results.removeValue(forKey: key), let assignment = view.simulation.assignment(key)
        else { throw MasterError.rowsDisagree("nobody works on step \(key.step) of trial \(key.request)") }
        var report = AgentReport(event: view.simulation.state.eventCount, key: key)
        switch result {
        case .metrics(let values): report.metrics = try Metrics(values)
        case .checkpoint(let checkpoint):
            try context.folder.write(checkpoint.files, as: context.checkpointID(key))
            report.files = try Resources(checkpoint.sizes.mapValues(Int64.init))
        }
        let bytes = try report.bytes
        let entry = AgentReport.entry(of: context.experiment)
        try await context.store.write { tx in
            for share in assignment.agents { try tx.agents.heartbeat(AgentName.of(share.agent)) }
            try tx.keyValue.put(entry, bytes)
        }
    }

    /// Does every workload under way that isn't done yet, several at a time.
    private mutating func work(_ view: ClusterView) async throws {
        let live = Set(view.runs.values.map(\.allocation))
        processes = processes.filter { live.contains($0.key) }
        let assignments = view.simulation.assignments
        let wanted = Set(assignments.map(\.key))
        results = results.filter { wanted.contains($0.key) }
        for assignment in assignments where results[assignment.key] == nil {
            guard let run = view.runs[assignment.key.request], processes[run.allocation] == nil else {
                continue
            }
            processes[run.allocation] = try await process(assignment.key.request)
        }
        let due = assignments.compactMap { assignment -> (Assignment, ID<Allocation>, TrialProcess)? in
            guard results[assignment.key] == nil, let run = view.runs[assignment.key.request],
                let process = processes[run.allocation]
            else { return nil }
            return (assignment, run.allocation, process)
        }
        await withTaskGroup { group in
            for (assignment, allocation, process) in due {
                group.addTask {
                    var process = process
                    return (WorkloadResult(of: assignment, by: &process), assignment.key, allocation, process)
                }
            }
            for await (result, key, allocation, process) in group {
                results[key] = result
                processes[allocation] = process
            }
        }
    }

    /// A new process for a trial, from its latest checkpoint.
    private func process(_ request: RequestID) async throws -> TrialProcess {
        let experiment = context.experiment
        let (trial, checkpoint) = try await context.store.read { tx in
            let trial = try context.trial(request, try tx.trials.find(experiment, requestID: request.uuid))
            return (trial, try tx.checkpoints.latest(of: trial.id))
        }
        var process = TrialProcess(
            request, hyperparameters: trial.hparams.hyperparameters, seed: UInt64(trial.seed), data: data)
        if let checkpoint {
            let files = context.folder.read(checkpoint.resources.values.keys, of: checkpoint.uuid)
            try process.load(ModelCheckpoint(files: files))
        }
        return process
    }
}

/// What came of a workload.
enum WorkloadResult: Sendable {
    case metrics([String: Double])
    case checkpoint(ModelCheckpoint)

    init(of assignment: Assignment, by process: inout TrialProcess) {
        let batches = assignment.batches
        switch assignment.key.kind {
        case .runStep: self = .metrics(process.run(from: batches.lowerBound, to: batches.upperBound).values)
        case .validate: self = .metrics(process.validate(at: batches.upperBound).values)
        case .checkpoint: self = .checkpoint(process.checkpoint(at: batches.upperBound))
        case .terminate: self = .metrics([:])
        }
    }
}
