import FoundationEssentials
import MetastoreModel
import Testing

@Suite struct `Canonical JSON` {
    @Test(arguments: [
        ("{}", "{}"),
        (" { \"b\" : 1 ,\n\"a\"\t: [ 1 , 2 ] } ", #"{"a":[1,2],"b":1}"#),
        (#"{"b":{"d":1,"c":2},"a":null}"#, #"{"a":null,"b":{"c":2,"d":1}}"#),
        (#"{"aa":1,"a":2,"B":3,"é":4,"😀":5,"ﬀ":6}"#, #"{"B":3,"a":2,"aa":1,"é":4,"ﬀ":6,"😀":5}"#),
        (#"{"a":"\u0041\u00e9\ud83d\ude00\/\u001f\u0008\u000a\"\\"}"#, ##"{"a":"Aé😀/\u001f\b\n\"\\"}"##),
        (
            ##"{"\n":1,"\t":2,"!":3,"\"":4,"#":5,"\\":6}"##,
            ##"{"\t":2,"\n":1,"!":3,"\"":4,"#":5,"\\":6}"##
        ),
        (
            #"{"a":-0,"b":-0.0,"c":0e5,"d":1E2,"e":1.50,"f":0.00001,"g":1e-7}"#,
            #"{"a":0,"b":0.0,"c":0.0,"d":100.0,"e":1.5,"f":1e-05,"g":1e-07}"#
        ),
        (
            #"{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551616}"#,
            #"{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551616}"#
        ),
        (
            #"{"a":0.1000000000000000055511151231257827,"b":5e-324,"c":1.7976931348623157e308,"d":123456789012345.5}"#,
            #"{"a":0.1,"b":5e-324,"c":1.7976931348623157e+308,"d":123456789012345.5}"#
        ),
        (#"{"a":true,"b":false,"c":[],"d":{},"e":""}"#, #"{"a":true,"b":false,"c":[],"d":{},"e":""}"#),
        // Two names, though Swift takes their texts for equal.
        ("{\"\u{E9}\":1,\"e\u{301}\":2}", "{\"e\u{301}\":2,\"\u{E9}\":1}"),
        ("{\"\u{212A}\":1,\"K\":2}", "{\"K\":2,\"\u{212A}\":1}"),
    ])
    func `is one text for one value`(_ text: String, _ canonical: String) throws {
        #expect(try JSONObject(parsing: text).text == canonical)
        #expect(try JSONObject(parsing: canonical).text == canonical)
    }

    @Test func `gives back random values, and is its own canonical form`() throws {
        var random = Randomness()
        for _ in 0..<2_000 {
            let values = random.object(depth: 0)
            let object = try JSONObject(values)
            #expect(object.values == values, "\(random)")
            #expect(try JSONObject(parsing: object.text) == object, "\(random)")
            #expect(try JSONObject(parsing: random.spelledOtherwise(.object(values))) == object, "\(random)")
            let decoded = try JSONDecoder().decode(JSON.self, from: Data(object.text.utf8))
            if !JSON.object(values).hasTwins {
                #expect(decoded.withoutIntegers == JSON.object(values).withoutIntegers, "\(random)")
            }
            for (key, value) in values { #expect(object[key] == value, "\(random)") }
            #expect(object["no such key"] == nil)
        }
    }

    @Test func `gives back every double bit for bit, but for −0`() throws {
        var random = Randomness()
        for _ in 0..<20_000 {
            var number = Double(bitPattern: random.next())
            if !number.isFinite { continue }
            if Bool.random(using: &random) {
                let decimals: Int64 = .random(in: -9_999_999...9_999_999, using: &random)
                number = Double("\(decimals)e\(Int.random(in: -9...9, using: &random))")!
            }
            let object = try JSONObject(["a": .number(number)])
            #expect(try JSONObject(parsing: object.text).text == object.text, "\(number) \(random)")
            #expect(
                object["a"]?.number?.bitPattern == (number == 0 ? 0 : number.bitPattern),
                "\(number) \(random)")
        }
    }

    @Test func `knows the shortest text of a number with few digits without computing it`() throws {
        var random = Randomness()
        for _ in 0..<20_000 {
            let digits = String(
                UInt64.random(in: 0...999_999_999_999_999, using: &random)
                    >> Int.random(in: 0...49, using: &random))
            let zeros = String(repeating: "0", count: .random(in: 0...5, using: &random))
            let token =
                ["0." + zeros + digits, digits + "." + zeros, digits + "." + digits].randomElement(
                    using: &random)! + "0"
            for token in [token, String(token.dropLast()), "-" + token] where !token.hasSuffix(".") {
                let expected = Double(token)! == 0 ? "0.0" : Double(token)!.description
                #expect(
                    try JSONObject(parsing: "{\"a\":\(token)}").text == "{\"a\":\(expected)}",
                    "\(token) \(random)")
            }
        }
    }

    @Test(arguments: [
        (#"{"a":{"b":["x","\u0000"]}}"#, "$.a.b[1]"),
        ("{\"a\":\"\u{0}\"}", "$.a"),
        (#"{"\u0000":1}"#, "$"),
        (#"{"a":"\ud800"}"#, "$.a"), (#"{"a":"\udc00\ud800"}"#, "$.a"), (#"{"a":"\ud800x"}"#, "$.a"),
        (#"{"a":"\ud800\u0041"}"#, "$.a"),
        (#"{"a":1,"b":2,"a":3}"#, "$.a"), (#"{"a":1,"\u0061":3}"#, "$.a"), (#"{"x":{"a":1,"a":3}}"#, "$.x.a"),
        ("{\"e\u{301}\":1,\"e\u{301}\":2}", "$.e\u{301}"), (#"{"\u00e9":1,"é":2}"#, "$.é"),
        (#"{"a":{"lr":1e400}}"#, "$.a.lr"), (#"{"a":-1e400}"#, "$.a"),
        ("{\"a\":" + String(repeating: "9", count: 400) + "}", "$.a"),
        ("[1]", "$"), ("1", "$"), ("", "$"), ("null", "$"),
    ])
    func `refuses what can't be kept, naming the place`(_ text: String, _ field: String) {
        let error = #expect(throws: ModelError.self) { try JSONObject(parsing: text) }
        #expect(error?.field == field)
    }

    @Test(arguments: [
        "{", "}", "{}x", "{} {}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,}"#, #"{a:1}"#, #"{'a':1}"#,
        #"{"a":01}"#,
        #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":+1}"#, #"{"a":1e}"#, #"{"a":-}"#, #"{"a":NaN}"#,
        #"{"a":Infinity}"#,
        #"{"a":tru}"#, #"{"a":[1,]}"#, #"{"a":[1 2]}"#, #"{"a":"x}"#, "{\"a\":\"\n\"}", #"{"a":"\x"}"#,
        #"{"a":"\u00g0"}"#, #"{"a":"\u00"}"#, #"{"a":"\"#, #"{"a":1}"# + "\u{0}", "\u{FEFF}{}", #"{"a":[}"#,
        #"{"a":1"#,
    ])
    func `refuses what isn't JSON`(_ text: String) {
        #expect(throws: ModelError.self) { try JSONObject(parsing: text) }
    }

    @Test func `refuses more than its depth and no less`() throws {
        func nested(_ levels: Int) -> String {
            "{\"a\":" + String(repeating: "[", count: levels - 1) + String(repeating: "]", count: levels - 1)
                + "}"
        }
        func value(_ levels: Int) -> [String: JSON] {
            ["a": (2..<levels).reduce(JSON.array([])) { inner, _ in .array([inner]) }]
        }
        #expect(
            try JSONObject(parsing: nested(Limits.jsonDepth)).text == JSONObject(value(Limits.jsonDepth)).text
        )
        #expect(throws: ModelError.self) { try JSONObject(parsing: nested(Limits.jsonDepth + 1)) }
        #expect(throws: ModelError.self) { try JSONObject(value(Limits.jsonDepth + 1)) }
        #expect(throws: ModelError.self) { try JSONObject(parsing: nested(1_000_000)) }
    }

    @Test(
        arguments: [
            (["a": ["b": [1, .number(.nan)]]], "$.a.b[1]"), (["a": .number(.infinity)], "$.a"),
            (["a": "x\u{0}"], "$.a"), (["a\u{0}": 1], "$"),
        ] as [([String: JSON], String)])
    func `is not made from values that it can't hold`(_ values: [String: JSON], _ field: String) {
        let error = #expect(throws: ModelError.self) { try JSONObject(values) }
        #expect(error?.field == field)
    }

    @Test func `tells what is wrong with a literal when it is stored`() throws {
        let good: JSONObject = ["lr": 0.1, "layers": [64, 32], "name": "a", "name": "b"]
        #expect(good.text == #"{"layers":[64,32],"lr":0.1,"name":"b"}"#)
        try good.validate(field: "hparams")
        let bad: JSONObject = ["a": ["b": .number(.nan)]]
        let error = #expect(throws: ModelError.self) { try bad.validate(field: "hparams") }
        #expect(error?.field == "hparams.a.b")
    }

    @Test func `never shows a value in an error`() {
        for text in [#"{"a":"secret\u0000"}"#, #"{"a":"secret"#, #"{"a":secret}"#, #"{"a":"secret\ud800"}"#] {
            let error = #expect(throws: ModelError.self) { try JSONObject(parsing: text) }
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test func `goes through a coder unchanged`() throws {
        let object = try JSONObject(parsing: #"{"big":18446744073709551616,"x":1.0,"y":1,"z":[null,true]}"#)
        #expect(try JSONDecoder().decode(JSONObject.self, from: JSONEncoder().encode(object)) == object)
        let value: JSON = ["a": [1, 0.5, "x", nil, true], "b": [:]]
        #expect(try JSONDecoder().decode(JSON.self, from: JSONEncoder().encode(value)) == value)
    }
}

extension JSON {
    /// Foundation reads 1.0 as an integer too: to compare with it, every number becomes a double.
    var withoutIntegers: JSON {
        switch self {
        case .integer(let value): .number(Double(value))
        case .array(let values): .array(values.map(\.withoutIntegers))
        case .object(let values): .object(values.mapValues(\.withoutIntegers))
        default: self
        }
    }
}

extension JSON {
    /// Names in one object that a Swift dictionary, which Foundation reads into, takes for one.
    var hasTwins: Bool {
        switch self {
        case .array(let values): values.contains(where: \.hasTwins)
        case .object(let values): Set(values.keys).count < values.count || values.values.contains(where: \.hasTwins)
        default: false
        }
    }
}

extension Randomness {
    mutating func object(depth: Int) -> NamedValues<JSON> {
        var values: [(key: String, value: JSON)] = []
        for _ in 0..<Int.random(in: 0...5, using: &self) {
            values.append((hostileText(allowingEmpty: true), json(depth: depth + 1)))
        }
        return NamedValues(values)
    }

    mutating func json(depth: Int) -> JSON {
        switch Int.random(in: 0..<(depth > 4 ? 6 : 8), using: &self) {
        case 0: return .null
        case 1: return .bool(.random(using: &self))
        case 2:
            return .integer(
                [.min, .max, 0, -1, .random(in: .min ... .max, using: &self)].randomElement(using: &self)!)
        case 3:
            let number = Double(bitPattern: next())
            return .number(
                [0.1, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1, number.isFinite ? number : -2.5]
                    .randomElement(
                        using: &self)!)
        case 4, 5: return .string(hostileText(allowingEmpty: true))
        case 6:
            var values: [JSON] = []
            for _ in 0..<Int.random(in: 0...4, using: &self) { values.append(json(depth: depth + 1)) }
            return .array(values)
        default: return .object(object(depth: depth))
        }
    }

    /// The same value as other text: members in any order, white space, every character of a text escaped.
    mutating func spelledOtherwise(_ value: JSON) -> String {
        func space() -> String { ["", " ", "\n", "\t \r"].randomElement(using: &self)! }
        switch value {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .number(let value): return value.description.uppercased()
        case .string(let value):
            let units = value.utf16.map { unit in
                let hex = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - hex.count)
                    + (Bool.random(using: &self) ? hex.uppercased() : hex)
            }
            return "\"" + units.joined() + "\""
        case .array(let values):
            var parts: [String] = []
            for value in values { parts.append(space() + spelledOtherwise(value) + space()) }
            return "[" + parts.joined(separator: ",") + "]"
        case .object(let values):
            var parts: [String] = []
            for (key, value) in values.shuffled(using: &self) {
                parts.append(
                    space() + spelledOtherwise(.string(key)) + space() + ":" + space()
                        + spelledOtherwise(value) + space())
            }
            return "{" + parts.joined(separator: ",") + "}"
        }
    }
}
