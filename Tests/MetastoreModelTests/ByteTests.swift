import FoundationEssentials
import MetastoreModel
import Testing

/// "é" as one character, and as a letter with a mark: equal to Swift, two texts to a database.
private let composed = "\u{E9}"
private let decomposed = "e\u{301}"

@Suite struct `Texts of other bytes` {
    @Test func `make other records`() {
        func port(_ host: String) -> PortReservation {
            PortReservation(
                host: host, port: 2600, allocation: 1, task: 1, purpose: .tensorboard, createdRevision: 1, revision: 1)
        }
        func slot(_ brand: String) -> NewSlot { NewSlot(index: 0, uuid: "", brand: brand) }
        #expect(port(composed) != port(decomposed))
        #expect(port(composed) == port(composed))
        #expect(Set([port(composed), port(decomposed), port(composed)]).count == 2)
        #expect(slot(composed) != slot(decomposed))
        #expect(experiment(composed) != experiment(decomposed))
        #expect(experiment(composed) == experiment(composed))
        #expect(Set([experiment(composed), experiment(decomposed), experiment(composed)]).count == 2)
    }

    /// Each of its texts counts, also one that may be none and one of several.
    private func experiment(_ label: String) -> NewExperiment {
        NewExperiment(name: "a", config: [:], labels: ["a", label], externalID: nil)
    }

    @Test func `make other optional texts, and none is another`() {
        func pool(_ type: String?) -> NewPool { NewPool(name: "a", instanceType: type, maxInstances: 1) }
        #expect(pool(composed) != pool(decomposed))
        #expect(pool(nil) != pool(""))
        #expect(pool(nil) == pool(nil))
        #expect(Set([pool(nil), pool(""), pool(composed), pool(decomposed), pool(composed)]).count == 4)
    }

    @Test func `make other JSON, prefixes and positions of consumers`() {
        #expect(JSON.string(composed) != .string(decomposed))
        #expect(JSON.array([.string(composed)]) != .array([.string(decomposed)]))
        #expect(([composed: 1] as JSON) != [decomposed: 1])
        #expect(Set([JSON.string(composed), .string(decomposed), .string(composed)]).count == 2)
        #expect(KeyPrefix(composed) != KeyPrefix(decomposed))
        #expect(Set([KeyPrefix(composed), KeyPrefix(decomposed), KeyPrefix(composed)]).count == 2)
        #expect(
            ConsumerProgress(name: composed, revision: 1) != ConsumerProgress(name: decomposed, revision: 1))
    }

    @Test func `name other values`() {
        let values: NamedValues = [composed: 1, "z": 2, decomposed: 3, "": 4, "z": 5]
        #expect(values.keys.map { Array($0.utf8) } == ["", decomposed, "z", composed].map { Array($0.utf8) })
        #expect(values.values == [4, 3, 5, 1])
        #expect(values[composed] == 1 && values[decomposed] == 3 && values["z"] == 5 && values[""] == 4)
        #expect(values["y"] == nil && values["zz"] == nil && values["\u{10FFFF}"] == nil)
        #expect(values == NamedValues(values.shuffled()))
        #expect(values.mapValues { $0 + 1 }.values == [5, 4, 6, 2])
        #expect(values.hashValue == NamedValues(values.reversed()).hashValue)
    }

    @Test func `find every one of many names, and no other`() {
        var random = Randomness()
        for _ in 0..<200 {
            let names = (0..<Int.random(in: 0...40, using: &random)).map { _ in random.hostileText(allowingEmpty: true)
            }
            let values = NamedValues(names.enumerated().map { (key: $1, value: $0) })
            #expect(values.count == Set(names.map { Array($0.utf8) }).count, "\(random)")
            for name in names {
                let last = names.lastIndex { Array($0.utf8) == Array(name.utf8) }
                #expect(values[name] == last, "\(random)")
            }
            #expect(values["no such name"] == nil)
        }
    }

    @Test func `are shown as they are`() {
        #expect("\(["a": 1, "b": 2] as NamedValues)" == #"["a": 1, "b": 2]"#)
        #expect("\([:] as NamedValues<Int>)" == "[:]")
        #expect("\(NewPool(name: "gpu", instanceType: nil))".contains(#"name: "gpu""#))
    }

    /// A coder that met the wrapper would write an object, or a null where nothing was.
    @Test func `stand in a coded record as they are`() throws {
        let consumer = Consumer(
            name: decomposed, kinds: .all, under: nil, isExpired: false, createdRevision: 1, revision: 1)
        let data = try JSONEncoder().encode(consumer)
        let members = try JSONDecoder().decode([String: JSON].self, from: data)
        #expect(members["name"] == .string(decomposed))
        #expect(members["under"] == nil && !members.keys.contains("under"))
        #expect(try JSONDecoder().decode(Consumer.self, from: data) == consumer)
        let other = Consumer(
            name: composed, kinds: .all, under: "a", isExpired: false, createdRevision: 1, revision: 1)
        #expect(try JSONDecoder().decode(Consumer.self, from: JSONEncoder().encode(other)) == other)
    }
}
