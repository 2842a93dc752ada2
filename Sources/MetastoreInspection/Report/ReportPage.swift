// Invariants
// 1. The template escapes whatever it puts in; nothing is put in unescaped.
// 2. The page is the same for the same data: it holds no time but those of the store.
// 3. The page asks for nothing from anywhere: no script, no link to a place outside itself, no picture.
//
// Templates find what they name among stored properties; what one of these types lacks is looked for in those around
// it.

internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreTerminal
internal import Mustache

/// A report as one HTML page.
package struct ReportPage {
    let file: String
    let place: String
    let revision: String
    let isPast: Bool
    let time: String
    let lastActor: String
    let leader: String
    let cluster: String
    let epoch: String
    let schema: String
    let logRange: String
    let program: String

    let verdictTone: String
    let verdictMark: String
    let verdictTitle: String
    let verdictMeaning: String
    let nextSteps: [ReportVerdict.Step]
    let hasRemarks: Bool
    let remarks: [String]

    let tiles: [Tile]
    let stateBars: [StateBar]
    let hasTimeline: Bool
    let timeline: Timeline?
    let curvesLead: String
    let charts: [CurveChart]
    let hasBest: Bool
    let best: [BestRow]
    let hasExperiments: Bool
    let experiments: [ExperimentRow]
    let experimentsMore: String
    let hasCheckpoints: Bool
    let checkpointStates: [CheckpointRow]
    let holders: [HolderRow]
    let hasAgents: Bool
    let agents: [AgentRow]
    let agentsMore: String
    let hasConsumers: Bool
    let consumers: [ConsumerRow]
    let consumersMore: String

    package init(_ data: ReportData) {
        let head = data.head
        file = head.place.split(separator: "/").last.map(String.init) ?? head.place
        place = head.place
        revision = Shown.grouped(Int(head.revision.rawValue))
        isPast = head.isPast
        time = head.time.shown
        lastActor = head.lastActor.map { ReportText.clipped($0) } ?? "–"
        leader = head.leader.map { ReportText.clipped($0) } ?? "nobody"
        cluster = head.cluster.uuidString.lowercased()
        epoch = Shown.grouped(Int(head.epoch))
        schema = String(head.schema)
        logRange =
            head.compactedRevision < head.revision
            ? "from revision \(Shown.grouped(Int(head.compactedRevision.rawValue) + 1))" : "empty"
        program = Metastore.version

        let verdict = ReportVerdict(head.verdict, place: head.place)
        (verdictTone, verdictMark, verdictTitle) = (verdict.tone, verdict.mark, verdict.title)
        (verdictMeaning, nextSteps) = (verdict.meaning, verdict.nextSteps)
        remarks = Self.remarks(data)
        hasRemarks = !remarks.isEmpty

        tiles = Self.tiles(data)
        stateBars = [
            StateBar("Experiments", data.experimentStates), StateBar("Trials", data.trialStates),
        ]
        timeline = Timeline(data.bars, now: head.time)
        hasTimeline = timeline != nil
        charts = Self.charts(data)
        curvesLead = Self.lead(data, isDrawn: !charts.isEmpty)
        best = data.bestTrials.map(BestRow.init).sorted { ($0.order.0, $0.order.1) < ($1.order.0, $1.order.1) }
        hasBest = !best.isEmpty
        experiments = data.experiments.rows.map(ExperimentRow.init)
        hasExperiments = !experiments.isEmpty
        experimentsMore = Self.more(data.experiments.hidden, "experiment", "older")
        checkpointStates = data.checkpointStates.map(CheckpointRow.init)
        hasCheckpoints = !checkpointStates.isEmpty
        let kept = data.keptBytes
        holders = data.holders.map { HolderRow($0, of: kept) }
        agents = data.agents.rows.map { AgentRow($0, now: head.time) }
        hasAgents = !agents.isEmpty
        agentsMore = Self.more(data.agents.hidden, "agent", "further")
        consumers = data.consumers.rows.map(ConsumerRow.init)
        hasConsumers = !consumers.isEmpty
        consumersMore = Self.more(data.consumers.hidden, "consumer", "further")
    }

    /// The whole page.
    package func html() throws -> String {
        MustacheContentTypes.register(ReportText(), named: ReportText.name)
        var library = MustacheLibrary()
        let parts = [
            ("page", PackageResources.page_html), ("curves", PackageResources.curves_html),
            ("timeline", PackageResources.timeline_html), ("style", PackageResources.page_css),
        ]
        for (name, bytes) in parts { try library.register(String(decoding: bytes, as: UTF8.self), named: name) }
        return library.render(self, withTemplate: "page") ?? ""
    }

    static func more(_ count: Int, _ noun: String, _ which: String) -> String {
        count > 0 ? "… and \(Shown.count(count, "\(which) \(noun)"))." : ""
    }

    private static func remarks(_ data: ReportData) -> [String] {
        var remarks: [String] = []
        if data.head.isPast {
            remarks.append(
                "An earlier state is shown, as of revision \(data.head.revision). Heartbeats and the positions of "
                    + "consumers are in no log: those are as they were last.")
        }
        remarks += data.head.notices.map { ReportText.clipped(sentence($0), to: 1_000) }
        if let log = data.head.log { remarks.append("Its write-ahead log has \(log).") }
        if data.doubtful > 0 {
            remarks.append(
                "Rows shown here that have another hash than their own: \(Shown.grouped(data.doubtful)). They were "
                    + "damaged, or changed behind the store’s back.")
        }
        remarks += data.missing.map { "Not shown: \($0.what). \(ReportText.clipped(sentence($0.reason), to: 1_000))" }
        return remarks
    }

    private static func sentence(_ text: String) -> String {
        let text = text.prefix(1).uppercased() + text.dropFirst()
        return text.hasSuffix(".") ? text : text + "."
    }

    private static func charts(_ data: ReportData) -> [CurveChart] {
        struct Group: Hashable {
            let metric: String
            let smallerIsBetter: Bool
        }
        var groups: [Group] = []
        var curves: [Group: [ReportData.Curve]] = [:]
        for curve in data.curves {
            let direction = data.bestTrials.first { $0.trial == curve.trial }?.smallerIsBetter ?? true
            let group = Group(metric: curve.metric, smallerIsBetter: direction)
            if curves[group] == nil { groups.append(group) }
            curves[group, default: []].append(curve)
        }
        return groups.compactMap { group in
            let curves = curves[group] ?? []
            return CurveChart(curves, smallerIsBetter: group.smallerIsBetter)
        }
    }

    private static func lead(_ data: ReportData, isDrawn: Bool) -> String {
        guard isDrawn else {
            return data.bestTrials.isEmpty
                ? "No trial has a finite validation yet." : "Of the best trials no validation has a finite value."
        }
        let count = data.curves.count
        let which = count == 1 ? "the best trial" : "\(count) of the best trials"
        return "The metric that the search goes by, of \(which): of each experiment the best, then the second best."
    }
}

extension ReportData {
    /// Bytes of checkpoints that lie in storage, whole or in part.
    package var keptBytes: Double {
        checkpointStates.reduce(0) {
            ["COMPLETED", "PARTIALLY_DELETED"].contains($1.state) ? $0 + $1.bytes : $0
        }
    }
}
