package import FoundationEssentials
package import MetastoreModel

/// What a report says of a store: values of one state of it, bounded in number whatever the store holds.
package struct ReportData: Sendable {
    /// How much is said at most.
    package struct Bounds: Sendable {
        /// Rows of the table of experiments, the newest first.
        package var experiments = 200
        package var bestTrials = 20
        /// Trials whose curves are drawn: the first of the best.
        package var curves = 8
        /// Of one curve.
        package var points = 300
        /// Of the timeline: experiments and their trials.
        package var bars = 200
        /// Trials below one experiment of the timeline, where there are many experiments.
        package var trialsPerExperiment = 4
        /// Experiments by the bytes of their checkpoints.
        package var holders = 10
        package var agents = 200
        package var consumers = 200

        /// The defaults.
        package init() {}
    }

    /// Whose state it is, and of when.
    package struct Head: Sendable {
        package let place: String
        package let cluster: UUID
        package let epoch: Int64
        package let revision: Revision
        /// Of the commit that made the revision.
        package let time: Timestamp
        package let schema: Int64
        /// The log goes back to the revision after this.
        package let compactedRevision: Revision
        package let lastActor: String?
        package let leader: String?
        package let verdict: Verdict
        package let notices: [String]
        package let log: LogReport?
        /// Not the last state, but an earlier one that was asked for.
        package let isPast: Bool
    }

    /// How many records are in a state, and the bytes of those that have any.
    package struct Count: Sendable, Hashable {
        package let state: String
        package let count: Int
        package var bytes: Double = 0
    }

    /// Rows that are shown, of all there are.
    package struct Shown<Row: Sendable>: Sendable {
        package var rows: [Row] = []
        package var total = 0

        package var hidden: Int { max(0, total - rows.count) }
    }

    package struct ExperimentRow: Sendable, Hashable {
        package let id: Int64
        package let name: String
        package let state: String
        package let owner: String
        package let pool: String
        package let progress: Double?
        package let metric: String
        package let smallerIsBetter: Bool
        package let start: Timestamp
        package let end: Timestamp?
        package var trials = 0
        package var unfinishedTrials = 0
        package var best: Double?
    }

    package struct BestTrial: Sendable, Hashable {
        package let experiment: Int64
        package let trial: Int64
        /// Among those of its experiment, from 1.
        package let rank: Int
        package let state: String
        package let metric: String
        package let smallerIsBetter: Bool
        package let value: Double
        /// After how many batches it was measured.
        package let batches: Int64?
        package let hparams: String
    }

    /// How one metric of one trial went.
    package struct Curve: Sendable, Hashable {
        package struct Point: Sendable, Hashable {
            package let batches: Int64
            package let value: Double

            package init(batches: Int64, value: Double) {
                self.batches = batches
                self.value = value
            }
        }

        package let experiment: Int64
        package let trial: Int64
        package let metric: String
        /// Finite ones, thinned to ``Bounds/points``.
        package let points: [Point]
        /// Finite values before they were thinned.
        package let measured: Int
        /// NaN and the infinities: no point stands for them.
        package let notFinite: Int
    }

    /// A stretch of time that an experiment or a trial took.
    package struct Bar: Sendable, Hashable {
        package let experiment: Int64
        /// Nil for the experiment itself.
        package let trial: Int64?
        package let name: String
        package let state: String
        package let start: Timestamp
        package let end: Timestamp?
    }

    package struct Holder: Sendable, Hashable {
        package let experiment: Int64
        package let name: String
        package let checkpoints: Int
        package let bytes: Double
    }

    package struct AgentRow: Sendable, Hashable {
        package let id: String
        package let pool: String
        package let state: String
        package let isEnabled: Bool
        package let address: String
        package let heartbeat: Timestamp?
        package var slots = 0
        package var usedSlots = 0
    }

    package struct ConsumerRow: Sendable, Hashable {
        package let name: String
        package let kinds: [String]
        package let under: String?
        package let isExpired: Bool
        package let position: Int64
        package let time: Timestamp?
        /// Revisions it has not got to; nil of the past, where nobody knows its position.
        package let lag: Int64?
    }

    /// Something of the store that the report lacks, and why.
    package struct Missing: Sendable, Hashable {
        package let what: String
        package let reason: String
    }

    package let head: Head
    package var experimentStates: [Count] = []
    package var experiments = Shown<ExperimentRow>()
    package var trialStates: [Count] = []
    package var bestTrials: [BestTrial] = []
    package var curves: [Curve] = []
    package var bars = Shown<Bar>()
    package var checkpointStates: [Count] = []
    package var holders: [Holder] = []
    package var agentStates: [Count] = []
    package var agents = Shown<AgentRow>()
    package var slots = 0
    package var usedSlots = 0
    package var consumers = Shown<ConsumerRow>()
    /// Nil where they couldn't be counted.
    package var workloads: Int?
    /// Rows shown that have another hash than their own.
    package var doubtful = 0
    package var missing: [Missing] = []

    init(_ head: Head) { self.head = head }
}
