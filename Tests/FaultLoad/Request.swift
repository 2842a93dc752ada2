public import FoundationEssentials
public import Metastore
public import MetastoreModel

/// One request of the load: a transaction of several rows, which can be repeated from its text.
public struct Request: Sendable, Hashable, LosslessStringConvertible {
    public let operation: UUID
    /// Which of the concurrent writers makes it; each has a counter.
    public let writer: Int
    public let trials: Int

    public init(operation: UUID, writer: Int, trials: Int) {
        self.operation = operation
        self.writer = writer
        self.trials = trials
    }

    public init?(_ description: String) {
        let words = description.split(separator: ",")
        guard words.count == 3, let operation = UUID(uuidString: String(words[0])), let writer = Int(words[1]),
            let trials = Int(words[2])
        else { return nil }
        self.init(operation: operation, writer: writer, trials: trials)
    }

    public var description: String { "\(name),\(writer),\(trials)" }

    /// The id in lower case: the name and external id of its experiment, and the key of its mark.
    public var name: String { operation.uuidString.lowercased() }
}

/// What a request is answered with; the same each time it is repeated.
public struct Answer: Codable, Sendable, Hashable, LosslessStringConvertible {
    public let experiment: Int64
    public let revision: Int64
    /// The writer's counter after it.
    public let count: Int64

    public init(experiment: Int64, revision: Int64, count: Int64) {
        self.experiment = experiment
        self.revision = revision
        self.count = count
    }

    public init?(_ description: String) {
        let numbers = description.split(separator: ",").compactMap { Int64($0) }
        guard numbers.count == 3 else { return nil }
        self.init(experiment: numbers[0], revision: numbers[1], count: numbers[2])
    }

    public var description: String { "\(experiment),\(revision),\(count)" }
}

extension Metastore {
    /// An experiment with its trials, a mark, and one more on the writer's counter: one transaction.
    public func perform(_ request: Request) async throws -> Answer {
        try await write(operation: try OperationID(request.operation), request: request.description) { tx in
            let new = NewExperiment(
                name: request.name, config: ["writer": .number(Double(request.writer))], externalID: request.name)
            let experiment = try tx.experiments.create(new)
            for number in 0..<request.trials {
                _ = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["n": .number(Double(number))]))
            }
            let count = try tx.keyValue.add(1, to: EntryKey("counters/\(request.writer)"))
            let answer = Answer(
                experiment: experiment.id.rawValue, revision: tx.revision.rawValue, count: Int64(count))
            try tx.keyValue.put(EntryKey("marks/\(request.name)"), answer.description)
            return answer
        }
    }

    /// Handles every new experiment once, in the transaction that moves the consumer on; until cancelled.
    public func consume() async throws {
        for try await batch in changes(as: "effects", of: .experiments) {
            try await batch.process { change, tx in
                guard case .experiment(let experiment) = change, experiment.before == nil,
                    let created = experiment.after
                else { return }
                try tx.keyValue.add(1, to: EntryKey("effects/\(created.id.rawValue)"))
                try tx.keyValue.add(1, to: "effects/all")
            }
        }
    }

    /// The number under a key; 0 where there is none.
    public func number(_ key: EntryKey) async throws -> Int {
        try await keyValue.get(key)?.number ?? 0
    }
}

extension KeyValueEntry {
    public var text: String { String(decoding: value, as: UTF8.self) }
    public var number: Int { Int(text) ?? 0 }
}

extension Repository where Element == KeyValueEntry, Access == Writing {
    /// Reads a number, adds to it and stores it.
    @discardableResult
    public func add(_ more: Int, to key: EntryKey) throws(StoreError) -> Int {
        let sum = (try get(key)?.number ?? 0) + more
        try put(key, "\(sum)")
        return sum
    }
}

extension StoreError {
    /// The name of its case.
    public var label: String {
        Mirror(reflecting: self).children.first?.label ?? caseName
    }

    /// Cases without associated values have no child to name them; their description tells.
    private var caseName: String {
        switch self {
        case .diskFull: "diskFull"
        case .snapshotExpired: "snapshotExpired"
        case .readOnly: "readOnly"
        case .closed: "closed"
        case .operationReused: "operationReused"
        case .otherCluster: "otherCluster"
        default: "unnamed"
        }
    }
}
