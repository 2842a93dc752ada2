import FoundationEssentials

extension RecordKey {
    /// The key as text: segments with slashes between them, percent-encoded except `A–Z a–z 0–9 . _ -`.
    public var path: String {
        switch self {
        case .experiment(let id):
            RecordKey.path("experiments/", id.rawValue)
        case .trial(let experiment, let id):
            RecordKey.path("experiments/", experiment.rawValue, "/trials/", id.rawValue)
        case .workload(let experiment, let trial, let id):
            RecordKey.path(
                "experiments/", experiment.rawValue, "/trials/", trial.rawValue, "/workloads/", id.rawValue)
        case .checkpoint(let experiment, let trial, let uuid):
            "experiments/\(experiment)/trials/\(trial)/checkpoints/\(uuid.lowercaseText)"
        case .snapshot(let experiment):
            "experiments/\(experiment)/snapshot"
        case .pool(let name):
            "pools/" + PathSegment.encoded(name)
        case .agent(let id):
            "agents/" + PathSegment.encoded(id)
        case .slot(let agent, let index):
            "agents/\(PathSegment.encoded(agent))/slots/\(index)"
        case .task(let id):
            RecordKey.path("tasks/", id.rawValue)
        case .allocation(let task, let id):
            RecordKey.path("tasks/", task.rawValue, "/allocations/", id.rawValue)
        case .container(let task, let allocation, let id):
            RecordKey.path(
                "tasks/", task.rawValue, "/allocations/", allocation.rawValue, "/containers/", id.rawValue)
        case .port(let host, let port):
            "ports/\(PathSegment.encoded(host))/\(port)"
        case .instance(let token):
            "instances/" + PathSegment.encoded(token)
        case .spotRequest(let token):
            "spot-requests/" + PathSegment.encoded(token)
        case .keyValue(let namespace, let key):
            "kv/\(PathSegment.encoded(namespace))/\(PathSegment.encoded(key))"
        case .lease(let id):
            RecordKey.path("leases/", id.rawValue)
        case .document(let hash):
            "documents/\(hash)"
        case .consumer(let name):
            "consumers/" + PathSegment.encoded(name)
        case .leadership:
            "leadership"
        case .cluster:
            "cluster"
        }
    }

    /// Names and numbers in turn, written into one text: interpolation would make one more for each number.
    private static func path(
        _ first: StaticString, _ a: Int64, _ second: StaticString = "", _ b: Int64? = nil,
        _ third: StaticString = "", _ c: Int64? = nil
    ) -> String {
        // Three names of at most 13 bytes, three numbers of at most 20.
        String(unsafeUninitializedCapacity: 100) { room in
            var count = 0
            func add(_ name: StaticString, _ number: Int64) {
                for byte in UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount) {
                    room[count] = byte
                    count += 1
                }
                let start = count
                var rest = number.magnitude
                repeat {
                    room[count] = UInt8(ascii: "0") + UInt8(rest % 10)
                    count += 1
                    rest /= 10
                } while rest > 0
                if number < 0 {
                    room[count] = UInt8(ascii: "-")
                    count += 1
                }
                room[start..<count].reverse()
            }
            add(first, a)
            if let b { add(second, b) }
            if let c { add(third, c) }
            return count
        }
    }

    /// The key with the given path, spelled exactly as ``path`` spells it; `nil` for anything else.
    public init?(path: String) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = segments.first, !segments.contains(where: \.isEmpty),
            let key = RecordKey(root: first, segments.dropFirst()),
            key.path.equalsByBytes(path)
        else { return nil }
        self = key
    }

    private init?(root: Substring, _ rest: ArraySlice<Substring>) {
        let count = rest.count
        switch (root, count) {
        case ("experiments", 1...): self.init(belowExperiments: Array(rest))
        case ("tasks", 1...): self.init(belowTasks: Array(rest))
        case ("agents", 1...): self.init(belowAgents: Array(rest))
        case ("pools", 1): self.init(rest, RecordKey.pool)
        case ("instances", 1): self.init(rest) { .instance(clientToken: $0) }
        case ("spot-requests", 1): self.init(rest) { .spotRequest(clientToken: $0) }
        case ("consumers", 1): self.init(rest, RecordKey.consumer)
        case ("ports", 2):
            guard let port = Int(rest.last ?? "") else { return nil }
            self.init(rest) { .port(host: $0, port: port) }
        case ("kv", 2):
            guard let key = PathSegment.decoded(rest.last ?? "") else { return nil }
            self.init(rest) { .keyValue(namespace: $0, key: key) }
        case ("leases", 1):
            guard let id = ID<Lease>(rest.first.map(String.init) ?? "") else { return nil }
            self = .lease(id)
        case ("documents", 1):
            guard let hash = DocumentHash(rest.first.map(String.init) ?? "") else { return nil }
            self = .document(hash)
        case ("leadership", 0): self = .leadership
        case ("cluster", 0): self = .cluster
        default: return nil
        }
    }

    /// A key whose first own segment is a text.
    private init?(_ segments: ArraySlice<Substring>, _ make: (String) -> RecordKey) {
        guard let first = segments.first, let text = PathSegment.decoded(first) else { return nil }
        self = make(text)
    }

    private init?(belowExperiments segments: [Substring]) {
        guard let experiment = ID<Experiment>(String(segments[0])) else { return nil }
        switch (segments.count, segments.count > 1 ? segments[1] : "") {
        case (1, _): self = .experiment(experiment)
        case (2, "snapshot"): self = .snapshot(experiment: experiment)
        case (3, "trials"), (5, "trials"):
            guard let trial = ID<Trial>(String(segments[2])) else { return nil }
            if segments.count == 3 {
                self = .trial(experiment: experiment, trial)
            } else if segments[3] == "workloads", let id = ID<Workload>(String(segments[4])) {
                self = .workload(experiment: experiment, trial: trial, id)
            } else if segments[3] == "checkpoints", let uuid = UUID(uuidString: String(segments[4])) {
                self = .checkpoint(experiment: experiment, trial: trial, uuid)
            } else {
                return nil
            }
        default: return nil
        }
    }

    private init?(belowTasks segments: [Substring]) {
        guard let task = ID<ClusterTask>(String(segments[0])) else { return nil }
        switch segments.count {
        case 1: self = .task(task)
        case 3, 5:
            guard segments[1] == "allocations", let allocation = ID<Allocation>(String(segments[2])) else {
                return nil
            }
            if segments.count == 3 {
                self = .allocation(task: task, allocation)
            } else if segments[3] == "containers", let id = ID<Container>(String(segments[4])) {
                self = .container(task: task, allocation: allocation, id)
            } else {
                return nil
            }
        default: return nil
        }
    }

    private init?(belowAgents segments: [Substring]) {
        guard let agent = PathSegment.decoded(segments[0]) else { return nil }
        switch segments.count {
        case 1: self = .agent(agent)
        case 3:
            guard segments[1] == "slots", let index = Int(segments[2]) else { return nil }
            self = .slot(agent: agent, index: index)
        default: return nil
        }
    }
}
