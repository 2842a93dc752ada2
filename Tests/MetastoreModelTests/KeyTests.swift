import FoundationEssentials
import MetastoreModel
import Testing

@Suite struct `The key of a record` {
    @Test func `has the path that users know`() throws {
        let uuid = try #require(UUID(uuidString: "0F8FAD5B-D9CB-469F-A165-70867728950E"))
        let hash = try #require(DocumentHash(bytes: Array(repeating: 0xA5, count: 32)))
        let expected: [(RecordKey, String)] = [
            (.experiment(1), "experiments/1"),
            (.trial(experiment: 1, 3), "experiments/1/trials/3"),
            (.workload(experiment: 1, trial: 3, 17), "experiments/1/trials/3/workloads/17"),
            (
                .checkpoint(experiment: 1, trial: 3, uuid),
                "experiments/1/trials/3/checkpoints/0f8fad5b-d9cb-469f-a165-70867728950e"
            ),
            (.snapshot(experiment: 1), "experiments/1/snapshot"),
            (.pool("gpu x8/é"), "pools/gpu%20x8%2F%C3%A9"),
            (.agent("host-1.local"), "agents/host-1.local"),
            (.slot(agent: "a_b", index: 0), "agents/a_b/slots/0"),
            (.task(5), "tasks/5"),
            (.allocation(task: 5, 2), "tasks/5/allocations/2"),
            (.container(task: 5, allocation: 2, 9), "tasks/5/allocations/2/containers/9"),
            (.port(host: "::1", port: 2600), "ports/%3A%3A1/2600"),
            (.instance(clientToken: "found-i-1"), "instances/found-i-1"),
            (.spotRequest(clientToken: "t"), "spot-requests/t"),
            (.keyValue(namespace: "queue", key: "high/1*"), "kv/queue/high%2F1%2A"),
            (.lease(1), "leases/1"),
            (.document(hash), "documents/" + String(repeating: "a5", count: 32)),
            (.consumer("scheduler"), "consumers/scheduler"),
            (.leadership, "leadership"),
            (.cluster, "cluster"),
        ]
        #expect(Set(expected.map(\.0.kind)).count == RecordKind.allCases.count)
        for (key, path) in expected {
            #expect(key.path == path)
            #expect(RecordKey(path: path) == key)
        }
    }

    @Test func `comes back from its path, whatever its texts`() {
        var random = Randomness()
        for _ in 0..<2_000 {
            let key = random.key()
            #expect(RecordKey(path: key.path) == key, "\(random)")
            #expect(key.path.utf8.allSatisfy { $0 < 0x80 }, "\(random)")
        }
    }

    @Test(arguments: [
        "", "/", "experiments", "experiments/", "experiments/1/", "/experiments/1", "experiments/01",
        "experiments/+1",
        "experiments/1/trials", "experiments/1/trials/3/workloads", "experiments/1//3",
        "experiments/1/snapshot/1",
        "pools/a b", "pools/%2f", "pools/%41", "pools/%", "pools/%4", "pools/%FF", "pools/a/b", "pools/é",
        "agents/a/slots/x", "agents/a/slots/-0", "ports/h/080", "leadership/1", "cluster/", "documents/abc",
        "kv/n",
        "experiments/9223372036854775808",
        "experiments/1/trials/3/checkpoints/0F8FAD5B-D9CB-469F-A165-70867728950E", "unknown/1",
    ])
    func `is not read from another spelling`(_ path: String) {
        #expect(RecordKey(path: path) == nil)
    }

    @Test func `differs where bytes differ, though the text looks the same`() {
        let (one, other) = (RecordKey.agent("\u{E9}"), RecordKey.agent("e\u{301}"))
        #expect(one != other)
        #expect(Set([one, other]).count == 2)
        #expect(other < one)
    }

    @Test func `orders numbers by value, and a record before all below it`() {
        let sorted: [RecordKey] = [
            .experiment(2), .snapshot(experiment: 2), .trial(experiment: 2, 9),
            .workload(experiment: 2, trial: 9, 2), .workload(experiment: 2, trial: 9, 10),
            .checkpoint(
                experiment: 2, trial: 9, UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))),
            .trial(experiment: 2, 10), .experiment(10), .pool("a"), .agent("a"), .slot(agent: "a", index: 0),
            .slot(agent: "a", index: 10), .agent("a."), .agent("b"), .task(1), .allocation(task: 1, 1),
            .container(task: 1, allocation: 1, 1), .task(2), .port(host: "a", port: 9),
            .port(host: "a", port: 80),
            .instance(clientToken: "x"), .spotRequest(clientToken: "a"), .keyValue(namespace: "a", key: "z"),
            .keyValue(namespace: "b", key: "a"), .lease(1), .consumer("a"), .leadership, .cluster,
        ]
        #expect(sorted.shuffled().sorted() == sorted)
        for (index, left) in sorted.enumerated() {
            for (other, right) in sorted.enumerated() { #expect((left < right) == (index < other)) }
        }
    }
}

@Suite struct `A key prefix` {
    @Test(arguments: ["experiments/1", "experiments/1/", "experiments/1//"])
    func `matches a record and all below it, and no neighbour`(_ text: String) {
        let prefix = KeyPrefix(text)
        #expect(prefix.matches(.experiment(1)))
        #expect(prefix.matches(.workload(experiment: 1, trial: 2, 3)))
        #expect(prefix.matches(.snapshot(experiment: 1)))
        #expect(!prefix.matches(.experiment(12)))
        #expect(!prefix.matches(.trial(experiment: 10, 1)))
        #expect(prefix == "experiments/1")
    }

    @Test func `that is empty matches everything`() {
        #expect(KeyPrefix("").matches(.cluster))
        #expect(KeyPrefix("/").matches(.experiment(1)))
        #expect(KeyPrefix("").kinds == .all)
    }

    @Test func `with a star matches key-value keys that begin with it`() {
        let prefix = KeyPrefix.keyValue(namespace: "queue", prefix: "high/")
        #expect(prefix.text == "kv/queue/high%2F*")
        #expect(prefix == KeyPrefix(prefix.text))
        #expect(prefix.matches(.keyValue(namespace: "queue", key: "high/1")))
        #expect(prefix.matches(.keyValue(namespace: "queue", key: "high/")))
        #expect(!prefix.matches(.keyValue(namespace: "queue", key: "high")))
        #expect(!prefix.matches(.keyValue(namespace: "queue2", key: "high/1")))
        #expect(KeyPrefix.keyValue(namespace: "queue").matches(.keyValue(namespace: "queue", key: "a")))
        #expect(!KeyPrefix("kv/queue/high").matches(.keyValue(namespace: "queue", key: "high/1")))
        #expect(!KeyPrefix("kv/queue/high").matches(.keyValue(namespace: "queue", key: "higher")))
    }

    @Test func `agrees with a second reading of the rule, and its kinds never hide a match`() {
        var random = Randomness()
        for _ in 0..<3_000 {
            let key = random.key()
            var segments = (Bool.random(using: &random) ? key : random.key()).path.split(separator: "/")
            segments.removeLast(Int.random(in: 0...segments.count, using: &random))
            let text = segments.joined(separator: "/") + (Bool.random(using: &random) ? "/" : "")
            let prefix = KeyPrefix(text)
            let own = key.path.split(separator: "/")
            let expected = own.starts(with: segments)
            #expect(prefix.matches(path: key.path) == expected, "\(text) \(key) \(random)")
            #expect(prefix.matches(key) == expected, "\(text) \(key) \(random)")
            if expected { #expect(prefix.kinds.contains(key.kind), "\(text) \(key) \(random)") }
        }
    }

    @Test func `rules out the kinds it can't match`() {
        #expect(KeyPrefix("experiments/1/trials/3/workloads").kinds == .workloads)
        #expect(KeyPrefix("experiments/1/trials/3").kinds == [.trials, .workloads, .checkpoints])
        #expect(KeyPrefix("agents/a/slots").kinds == .slots)
        #expect(KeyPrefix("tasks/1/allocations/1/containers/").kinds == .containers)
        #expect(KeyPrefix("spot-requests").kinds == .spotRequests)
        #expect(KeyPrefix("experiment").kinds == [])
    }
}

extension Randomness {
    mutating func key() -> RecordKey {
        func id<Kind>() -> ID<Kind> {
            ID(
                rawValue: Bool.random(using: &self)
                    ? .random(in: 1...3, using: &self) : .random(in: 1...(.max), using: &self))
        }
        return switch Int.random(in: 0..<20, using: &self) {
        case 0: .experiment(id())
        case 1: .trial(experiment: id(), id())
        case 2: .workload(experiment: id(), trial: id(), id())
        case 3: .checkpoint(experiment: id(), trial: id(), uuid())
        case 4: .snapshot(experiment: id())
        case 5: .pool(hostileText())
        case 6: .agent(hostileText())
        case 7: .slot(agent: hostileText(), index: .random(in: 0...99, using: &self))
        case 8: .task(id())
        case 9: .allocation(task: id(), id())
        case 10: .container(task: id(), allocation: id(), id())
        case 11: .port(host: hostileText(), port: .random(in: 1...65535, using: &self))
        case 12: .instance(clientToken: hostileText())
        case 13: .spotRequest(clientToken: hostileText())
        case 14: .keyValue(namespace: hostileText(), key: hostileText())
        case 15: .lease(id())
        case 16:
            .document(DocumentHash(bytes: (0..<32).map { _ in UInt8.random(in: 0...255, using: &self) })!)
        case 17: .consumer(hostileText())
        case 18: .leadership
        default: .cluster
        }
    }
}
