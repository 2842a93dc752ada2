import MetastoreQuickstart
import Testing

@Suite struct `A stream of random numbers` {
    @Test func `gives the numbers of the reference implementation`() {
        var stream = Randomness(seed: 1_234_567)
        let numbers = (0..<5).map { _ in stream.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }

    @Test func `is a function of seed and labels`() {
        func first(_ stream: Randomness) -> UInt64 {
            var stream = stream
            return stream.next()
        }
        #expect(first(.init(seed: 1, "a", 2)) == first(.init(seed: 1, "a", 2)))
        let streams: [Randomness] = [
            .init(seed: 1, "a", 2), .init(seed: 2, "a", 2), .init(seed: 1, "a", 3), .init(seed: 1, "b", 2),
            .init(seed: 1, "a"), .init(seed: 1, "ab", "c"), .init(seed: 1, "a", "bc"),
            .init(seed: 1, "a", -2),
            .init(seed: 1, 2, "a"), .init(seed: 0, 0, 0),
            .init(seed: 1, "a", .request(RequestID(seed: 1, ordinal: 0))),
            .init(seed: 1, "a", .request(RequestID(seed: 1, ordinal: 1))),
        ]
        let all = streams.map(first)
        #expect(Set(all).count == all.count)
    }

    @Test func `spreads evenly`() {
        var counts = Array(repeating: 0, count: 10)
        var sum = 0.0
        for ordinal in 0..<20_000 {
            var stream = Randomness(seed: 5, "even", .number(ordinal))
            counts[stream.below(10)] += 1
            let unit = stream.unit()
            #expect((0..<1).contains(unit))
            sum += unit
        }
        #expect(counts.allSatisfy { (1800...2200).contains($0) }, "\(counts)")
        #expect(abs(sum / 20_000 - 0.5) < 0.01)
    }

    @Test func `normal numbers have mean 0 and variance 1`() {
        var stream = Randomness(seed: 3)
        let numbers = (0..<20_000).map { _ in stream.normal() }
        let mean = numbers.reduce(0, +) / 20_000
        let squares = numbers.map { ($0 - mean) * ($0 - mean) }
        let variance = squares.reduce(0, +) / 20_000
        #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05)
    }
}

@Suite struct `A request id` {
    @Test func `is derived from seed and ordinal, and never twice`() {
        var seen: Set<RequestID> = []
        for seed in 0..<20 as Range<UInt64> {
            for ordinal in 0..<100 {
                let request = RequestID(seed: seed, ordinal: ordinal)
                #expect(request == RequestID(seed: seed, ordinal: ordinal))
                #expect(seen.insert(request).inserted)
            }
        }
    }

    @Test func `is a UUID of version 8`() {
        let text = RequestID(seed: 1, ordinal: 0).description
        #expect(text == text.lowercased() && text.count == 36)
        #expect(Array(text)[14] == "8" && "89ab".contains(Array(text)[19]))
    }

    @Test func `is pinned, since stores keep it`() {
        #expect(RequestID(seed: 7, ordinal: 0).description == "59df9352-473b-88f8-9116-57806a24f4e7")
    }

    @Test func `sorts as its text does`() {
        let requests = (0..<200).map { RequestID(seed: 9, ordinal: $0) }.sorted()
        #expect(requests.map(\.description) == requests.map(\.description).sorted())
    }
}
