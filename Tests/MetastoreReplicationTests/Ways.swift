internal import MetastoreTestSupport
internal import Testing

/// From which engine to which.
struct Way: CustomTestStringConvertible, Sendable {
    let from: TestEngine
    let to: TestEngine

    static let all = engines.flatMap { from in engines.map { Way(from: from, to: $0) } }
    private static let engines = TestEngine.lasting.filter { $0 != .hostile && $0.rawValue != "pooled" }

    var testDescription: String { "\(from) to \(to)" }
}
