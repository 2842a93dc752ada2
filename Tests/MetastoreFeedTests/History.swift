import Metastore
import MetastoreModel

/// One change as somebody saw it: its images are kept as hashes.
struct Event: Sendable, Hashable {
    let revision: Int64
    let path: String
    let operation: ChangeOperation
    let before: Int?
    let after: Int?

    init(_ change: Change) {
        revision = change.revision.rawValue
        path = change.key.path
        operation = change.operation
        (before, after) = Event.images(change)
    }

    init(revision: Int64, path: String, before: Int?, after: Int?) {
        self.revision = revision
        self.path = path
        self.before = before
        self.after = after
        operation = before == nil ? .created : after == nil ? .deleted : .updated
    }

    private static func images(_ change: Change) -> (Int?, Int?) {
        switch change {
        case .experiment(let c): (c.before?.hashValue, c.after?.hashValue)
        case .trial(let c): (c.before?.asLogged.hashValue, c.after?.asLogged.hashValue)
        case .workload(let c): (c.before?.hashValue, c.after?.hashValue)
        case .checkpoint(let c): (c.before?.hashValue, c.after?.hashValue)
        case .snapshot(let c): (c.before?.hashValue, c.after?.hashValue)
        case .pool(let c): (c.before?.hashValue, c.after?.hashValue)
        case .agent(let c): (c.before?.hashValue, c.after?.hashValue)
        case .slot(let c): (c.before?.hashValue, c.after?.hashValue)
        case .task(let c): (c.before?.hashValue, c.after?.hashValue)
        case .allocation(let c): (c.before?.hashValue, c.after?.hashValue)
        case .container(let c): (c.before?.hashValue, c.after?.hashValue)
        case .port(let c): (c.before?.hashValue, c.after?.hashValue)
        case .instance(let c): (c.before?.hashValue, c.after?.hashValue)
        case .spotRequest(let c): (c.before?.hashValue, c.after?.hashValue)
        case .keyValue(let c): (c.before?.hashValue, c.after?.hashValue)
        case .lease(let c): (c.before?.hashValue, c.after?.hashValue)
        case .document(let c): (c.before?.hashValue, c.after?.hashValue)
        case .consumer(let c): (c.before?.hashValue, c.after?.hashValue)
        case .leadership(let c): (c.before?.hashValue, c.after?.hashValue)
        }
    }
}

extension Trial {
    /// Without what is not in the log.
    var asLogged: Trial {
        var trial = self
        trial.lastActivity = nil
        return trial
    }
}

/// What one reader was given, batch by batch, across all its connections.
struct Observation: Sendable {
    struct Batch: Sendable {
        /// The reader began anew here, from the position of the batch before.
        var isFirstOfConnection: Bool
        var commits: [(revision: Int64, events: [Event])]
        var position: Int64
    }

    let name: String
    /// After this revision it began.
    let start: Int64
    /// Told independently of the store's own filter.
    let isWanted: @Sendable (String) -> Bool
    var batches: [Batch] = []

    var events: [Event] { batches.flatMap { $0.commits.flatMap(\.events) } }
}

/// What was really committed, told by those who committed it.
struct Truth: Sendable {
    /// Each revision's changes.
    var commits: [Int64: Set<Event>] = [:]
    var last: Int64 = 0
}
