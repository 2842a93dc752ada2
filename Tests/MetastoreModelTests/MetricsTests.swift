import FoundationEssentials
import MetastoreModel
import Testing

@Suite struct `Named numbers` {
    @Test func `keep NaN and the infinities as strings, and read them back as numbers`() throws {
        let metrics: Metrics = [
            "loss": .nan, "up": .infinity, "down": -.infinity, "acc": 0.5, "zero": -0.0, "one": 1,
        ]
        #expect(
            metrics.text
                == #"{"acc":0.5,"down":"-Infinity","loss":"NaN","one":1.0,"up":"Infinity","zero":0.0}"#)
        #expect(metrics["loss"]?.isNaN == true)
        #expect(metrics["up"] == .infinity && metrics["down"] == -.infinity && metrics["one"] == 1)
        #expect(metrics["zero"]?.sign == .plus)
        #expect(metrics["none"] == nil)
        #expect(metrics.values.count == 6)
        #expect(try Metrics(parsing: metrics.text) == metrics)
    }

    @Test func `are the same for an integer and its double`() throws {
        let text = #"{"c":-7,"b":123456789012345678,"a":1,"z":0,"n":"NaN"}"#
        let metrics = try Metrics(parsing: text)
        #expect(metrics.text == #"{"a":1.0,"b":1.2345678901234568e+17,"c":-7.0,"n":"NaN","z":0.0}"#)
        #expect(metrics == ["a": 1, "b": 123_456_789_012_345_680, "c": -7, "n": .nan, "z": 0])
    }

    @Test(arguments: [
        #"{"a":"nan"}"#, #"{"a":"x"}"#, #"{"a":null}"#, #"{"a":true}"#, #"{"a":[1]}"#, #"{"a":{}}"#,
        #"{"a":1e999}"#,
        #"{"a\u0000":1}"#, #"{"a":1,"a":2}"#, "[]",
    ])
    func `refuse what isn't a number`(_ text: String) {
        #expect(throws: ModelError.self) { try Metrics(parsing: text) }
    }

    @Test func `come back bit for bit, whatever the names`() throws {
        var random = Randomness()
        for _ in 0..<2_000 {
            let values = NamedValues(
                (0..<Int.random(in: 0...6, using: &random)).map { _ in
                    (key: random.hostileText(allowingEmpty: true), value: Double(bitPattern: random.next()))
                })
            let metrics = try Metrics(values)
            #expect(try Metrics(parsing: metrics.text).text == metrics.text, "\(random)")
            #expect(metrics.values.count == values.count, "\(random)")
            for (name, value) in values where !value.isNaN { #expect(metrics[name] == value, "\(random)") }
        }
    }

    /// In a store's rows they are in order; what is read from elsewhere needn't be.
    @Test(arguments: [
        #"{"a":1,"b\"":2,"é":3}"#, #"{"b\"":2,"a":1,"é":3}"#, #"{"é":3,"a":0,"b\u0022":2,"a":1}"#,
    ])
    func `have their names where they stand, in any order and with escapes`(_ text: String) {
        let values = Metrics(canonical: text).values
        #expect(values.keys == ["a", "b\"", "\u{E9}"] && values.values == [1, 2, 3])
        #expect(values == ["a": 1, "b\"": 2, "\u{E9}": 3])
        #expect(values["a"] == 1 && values["b\""] == 2 && values["\u{E9}"] == 3 && values["b"] == nil)
        #expect(values.mapValues { -$0 }.map(\.value) == [-1, -2, -3])
    }

    @Test func `are read as Swift reads them, with any digits`() {
        var random = Randomness()
        for _ in 0..<20_000 {
            var digits = (0..<Int.random(in: 1...21, using: &random)).map { _ in
                Character("\(Int.random(in: 0...9, using: &random))")
            }
            if digits.count > 1 { digits.insert(".", at: Int.random(in: 1..<digits.count, using: &random)) }
            let whole = digits.prefix { $0 != "." }
            if whole.count > 1, whole.first == "0" { digits[0] = "7" }
            let text = (Bool.random(using: &random) ? "-" : "") + String(digits)
            #expect(Metrics(canonical: "{\"a\":\(text)}")["a"] == Double(text), "\(text), \(random)")
        }
        for text in ["1e3", "1.5e-3", "9007199254740993", "9007199254740993.5", "18446744073709551617", "-0"] {
            #expect(Metrics(canonical: "{\"a\":\(text)}")["a"] == Double(text), "\(text)")
        }
        for text in ["01", "1.", "-", ".5", "1..2", "1.5.2", "--1", "1e", "+1", ""] {
            #expect(Metrics(canonical: "{\"a\":\(text)}").values.isEmpty, "\(text)")
        }
    }

    @Test func `refuse a name with NUL, a literal when it is stored`() throws {
        #expect(throws: ModelError.self) { try Metrics(["a\u{0}": 1]) }
        let literal: Metrics = ["a\u{0}": 1]
        #expect(throws: ModelError.self) { try literal.validate(field: "metrics") }
        try (["a": 1] as Metrics).validate(field: "metrics")
    }
}

@Suite struct `The files of a checkpoint` {
    /// They were one name, and the size of one was left out of the sum.
    @Test func `may differ in how a letter is spelled, as on a disk`() throws {
        let resources: Resources = ["caf\u{E9}.pt": 1, "cafe\u{301}.pt": 2]
        #expect(try Resources(parsing: resources.text) == resources)
        #expect(resources.values.values == [2, 1])
        #expect(resources.values["caf\u{E9}.pt"] == 1 && resources["cafe\u{301}.pt"] == 2)
        #expect(resources.totalBytes == 3)
    }

    @Test func `are sizes by path, and no size is negative or broken`() throws {
        let resources: Resources = ["b/weights.pt": 12, "a.json": 9_223_372_036_854_775_807]
        #expect(resources.text == #"{"a.json":9223372036854775807,"b/weights.pt":12}"#)
        #expect(try Resources(parsing: resources.text).values == ["b/weights.pt": 12, "a.json": .max])
        #expect(resources.totalBytes == .max)
        #expect((["a": 1, "b": 2] as Resources).totalBytes == 3)
        for text in [
            #"{"a":-1}"#, #"{"a":1.0}"#, #"{"a":"1"}"#, #"{"a":9223372036854775808}"#, #"{"a":null}"#,
        ] {
            #expect(throws: ModelError.self) { try Resources(parsing: text) }
        }
        #expect(throws: ModelError.self) { try Resources(["a": -1]) }
    }
}
