import FoundationEssentials
import MetastoreModel
import Testing

@Suite struct `A moment` {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_709_210_096_123_456, "2024-02-29T12:34:56.123456Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "+10000-01-01T00:00:00.000000Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
            (-62_167_219_200_000_001, "-0001-12-31T23:59:59.999999Z"),
            (.max, "+294247-01-10T04:00:54.775807Z"),
            (.min, "-290308-12-21T19:59:05.224192Z"),
        ] as [(Int64, String)])
    func `has one text, from which it comes back`(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test func `comes back from its text over the whole range`() {
        var random = Randomness()
        for _ in 0..<5_000 {
            let time = Timestamp(
                microseconds: Int64.random(in: .min ... .max, using: &random)
                    >> Int.random(in: 0...40, using: &random))
            #expect(Timestamp(time.description) == time, "\(random)")
        }
    }

    @Test(
        arguments: [
            ("2024-02-29T12:34:56Z", 1_709_210_096_000_000),
            ("2024-02-29t12:34:56.1z", 1_709_210_096_100_000),
            ("2024-02-29T14:34:56.123456789+02:00", 1_709_210_096_123_456),
            ("2024-02-29T07:04:56-05:30", 1_709_210_096_000_000),
        ] as [(String, Int64)])
    func `is read from any RFC 3339 text`(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2024", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z",
        "2024-01-01 00:00:00Z", "2024-01-01T00:00:00Z ", "24-01-01T00:00:00Z", "2024-01-01T00:00:00+2:00",
        "+294247-01-10T04:00:54.775808Z", "-290308-12-21T19:59:05.224191Z", "2024-01-01T00:00:00.1234567890Z",
    ])
    func `is not read from anything else`(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func `is moved by durations and never beyond its range`() {
        let time = Timestamp(microseconds: 1_000_000)
        #expect((time + .milliseconds(1500)).microseconds == 2_500_000)
        #expect((time + .seconds(3)) - time == .seconds(3))
        #expect(time - (time + .microseconds(5)) == .microseconds(-5))
        #expect(Timestamp(microseconds: .max) + .seconds(1) == Timestamp(microseconds: .max))
        #expect(Timestamp(microseconds: .min) + .seconds(-1) == Timestamp(microseconds: .min))
        #expect(time + .seconds(Int64.max) == Timestamp(microseconds: .max))
        #expect(Timestamp(Date(timeIntervalSince1970: 1.5)).microseconds == 1_500_000)
        #expect(Timestamp(Date(timeIntervalSince1970: .infinity)).microseconds == .max)
        #expect(
            Timestamp(microseconds: 1_709_210_096_123_456).date.timeIntervalSince1970 == 1_709_210_096.123456)
    }
}

@Suite struct `A position` {
    let cluster = UUID(uuidString: "0F8FAD5B-D9CB-469F-A165-70867728950E")!

    @Test func `is one text, from which it comes back`() throws {
        let position = Position(
            cluster: cluster, epoch: Epoch(number: 3, nonce: 0x9F86_D081_884C_7D65), revision: 1207,
            chainPrefix: [0, 0xFF, 1, 2, 3, 4, 5, 6, 7])
        let text = "0f8fad5b-d9cb-469f-a165-70867728950e:3-9f86d081884c7d65:1207:00ff010203040506"
        #expect(position.description == text)
        #expect(Position(text) == position)
        #expect(position.chainPrefix == [0, 0xFF, 1, 2, 3, 4, 5, 6])
    }

    @Test func `comes back, whatever it holds`() {
        var random = Randomness()
        for _ in 0..<1_000 {
            let position = Position(
                cluster: random.uuid(),
                epoch: Epoch(number: .random(in: 1...(.max), using: &random), nonce: random.next()),
                revision: Revision(.random(in: 0...(.max), using: &random)),
                chainPrefix: (0..<8).map { _ in .random(in: 0...255, using: &random) })
            #expect(Position(position.description) == position, "\(random)")
        }
    }

    @Test(arguments: [
        "", "::::", "0F8FAD5B-D9CB-469F-A165-70867728950E:3-9f86d081884c7d65:1207:00ff010203040506",
        "0f8fad5b-d9cb-469f-a165-70867728950e:3-9f86d081884c7d65:1207:00ff0102030405",
        "0f8fad5b-d9cb-469f-a165-70867728950e:3-9f86d081884c7d65:01:00ff010203040506",
        "0f8fad5b-d9cb-469f-a165-70867728950e:3-9F86d081884c7d65:1:00ff010203040506",
        "0f8fad5b-d9cb-469f-a165-70867728950e:3:1:00ff010203040506",
        "0f8fad5b-d9cb-469f-a165-70867728950e:3-9f86d081884c7d65:1:00ff010203040506:",
    ])
    func `is not read from anything else`(_ text: String) {
        #expect(Position(text) == nil)
    }

    @Test func `has an epoch that orders by its number first`() {
        #expect(Epoch(number: 1, nonce: .max) < Epoch(number: 2, nonce: 0))
        #expect(Epoch("3-9f86d081884c7d65") == Epoch(number: 3, nonce: 0x9F86_D081_884C_7D65))
        #expect(Epoch("3-9f86d081884c7d6") == nil)
    }

    @Test func `and ids, revisions and hashes are read from one spelling only`() {
        #expect(ID<Trial>("17") == 17)
        #expect(ID<Trial>("+17") == nil && ID<Trial>("017") == nil && Revision("0x1") == nil)
        let hex = String(repeating: "0123456789abcdef", count: 4)
        #expect(DocumentHash(hex)?.description == hex)
        #expect(DocumentHash(hex)?.bytes.prefix(3) == [0x01, 0x23, 0x45])
        #expect(DocumentHash(hex.uppercased()) == nil && DocumentHash(bytes: [1, 2]) == nil)
    }
}
