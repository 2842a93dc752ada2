internal import MetastoreEngine
internal import MetastoreModel

/// A rule of the domain, as a query for the records that break it.
///
/// The query's first columns are the parts of the offender's key, as its kind's ``Rule/Subject`` says.
struct Rule: Sendable {
    enum Subject: Sendable {
        /// experiment
        case experiment
        /// experiment, trial
        case trial
        /// experiment, trial, workload
        case workload
        /// experiment, trial, uuid
        case checkpoint
        /// agent, index
        case slot
        /// task, allocation
        case allocation
        /// task, allocation, container
        case container
        /// host, port
        case port
        /// a number or a name, shown after this word
        case other(String)
    }

    let name: String
    let subject: Subject
    let offenders: SQL

    init(_ name: String, _ subject: Subject, _ offenders: SQL) {
        self.name = name
        self.subject = subject
        self.offenders = offenders
    }
}

extension Verification {
    mutating func checkRules() throws {
        for rule in Rule.all {
            try session.forEach(rule.offenders) { row in
                if Rule.whileKept.contains(rule.name), try isBeingDeleted(row) { return true }
                report.add(rule.name, try Self.key(rule.subject, row))
                return report.findingCount < VerificationReport.findingsKept * 10
            }
        }
    }

    private func isBeingDeleted(_ row: borrowing Row) throws -> Bool {
        let experiment = try row.integer(0)
        return try session.first("SELECT 1 FROM experiments WHERE id = \(experiment) AND state >= 10") {
            try $0.integer(0)
        } != nil
    }

    private static func key(_ subject: Rule.Subject, _ row: borrowing Row) throws -> String {
        func id<R>(_ column: Int) throws -> ID<R> { ID(rawValue: try row.integer(column)) }
        return switch subject {
        case .experiment: RecordKey.experiment(try id(0)).path
        case .trial: RecordKey.trial(experiment: try id(0), try id(1)).path
        case .workload: RecordKey.workload(experiment: try id(0), trial: try id(1), try id(2)).path
        case .checkpoint: RecordKey.checkpoint(experiment: try id(0), trial: try id(1), try row.uuid(2)).path
        case .slot: RecordKey.slot(agent: try row.text(0), index: Int(try row.integer(1))).path
        case .allocation: RecordKey.allocation(task: try id(0), try id(1)).path
        case .container: RecordKey.container(task: try id(0), allocation: try id(1), try id(2)).path
        case .port: RecordKey.port(host: try row.text(0), port: Int(try row.integer(1))).path
        case .other(let word): "\(word)/\(try row.text(0))"
        }
    }

    /// Rules over lists that are kept as text.
    mutating func checkLists() throws {
        var labels: Int64 = 0
        let experiments = SQL(trusted: "SELECT \(Experiment.table.columnList) FROM experiments ORDER BY id")
        try session.forEach(experiments) { row in
            guard let experiment = try? Experiment(image: try row.image(of: Experiment.table)) else { return true }
            for label in experiment.labels {
                labels += 1
                let found = try session.first(
                    "SELECT 1 FROM experiment_labels WHERE label = \(label) AND experiment = \(experiment.id)"
                ) { try $0.integer(0) }
                if found == nil { report.add("every label is in the index of labels", experiment.recordKey.path) }
            }
            return true
        }
        let indexed = try session.first("SELECT count(*) FROM experiment_labels") { try $0.integer(0) }
        if indexed != labels { report.add("the index of labels holds nothing else", "experiments") }

        let containers = SQL(
            trusted: "SELECT \(Container.table.columnList) FROM containers WHERE state <= 4 ORDER BY id")
        try session.forEach(containers) { row in
            guard let container = try? Container(image: try row.image(of: Container.table)) else { return true }
            for index in container.slots {
                let holder =
                    try session.first(
                        "SELECT container FROM slots WHERE agent = \(container.agent) AND slot = \(index)"
                    ) { row in row.isNull(0) ? nil : try row.integer(0) } ?? nil
                if holder != container.id.rawValue {
                    report.add("a live container has its slots", container.recordKey.path, "slot \(index)")
                }
            }
            return true
        }
        let held: SQL = """
            SELECT slots.agent, slots.slot, containers.slots FROM slots \
            JOIN containers ON containers.id = slots.container \
            WHERE slots.container IS NOT NULL AND containers.state <= 4 AND containers.agent = slots.agent \
            ORDER BY slots.agent, slots.slot
            """
        try session.forEach(held) { row in
            let index = try row.integer(1)
            let list = try? NumberList.parse(try row.text(2), place: "slots")
            if list?.contains(index) != true {
                report.add(
                    "a slot's container names the slot", RecordKey.slot(agent: try row.text(0), index: Int(index)).path)
            }
            return true
        }
        let checkpoints = SQL(trusted: "SELECT \(Checkpoint.table.columnList) FROM checkpoints ORDER BY number")
        try session.forEach(checkpoints) { row in
            guard let checkpoint = try? Checkpoint(image: try row.image(of: Checkpoint.table)) else { return true }
            let key = checkpoint.recordKey.path
            if checkpoint.resources.totalBytes != checkpoint.size {
                report.add("a checkpoint's size is its files'", key)
            }
            if checkpoint.isPinned, checkpoint.state != .completed {
                report.add("only a COMPLETED checkpoint is pinned", key)
            }
            if checkpoint.state == .deleted, checkpoint.size != 0 {
                report.add("a DELETED checkpoint has no files", key)
            }
            return true
        }
    }
}
