internal import FaultLoad
internal import Glibc
internal import Testing

/// Everything here runs one after another: the suites measure moments, mount devices and start processes.
@Suite(.serialized) struct Faults {}

/// How many of the full counts run, and from which seed.
enum Scale {
    static let factor = environment("METASTORE_TEST_SCALE").flatMap(Double.init) ?? 0.05
    static let seed: UInt64 = {
        let seed = environment("METASTORE_TEST_SEED").flatMap(UInt64.init) ?? UInt64.random(in: 1...999_999)
        print("METASTORE_TEST_SEED=\(seed) METASTORE_TEST_SCALE=\(factor)")
        return seed
    }()

    static func of(_ full: Int) -> Int { max(1, Int((Double(full) * factor).rounded())) }

    static func random(_ salt: UInt64) -> SplitMix { SplitMix(state: seed &* 1_000_003 &+ salt) }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Prints how long a suite took.
struct Timed: SuiteTrait, TestScoping {
    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let began = ContinuousClock.now
        defer { print("\(test.name): \((ContinuousClock.now - began).inSeconds) s") }
        try await function()
    }
}

extension Trait where Self == Timed {
    static var timed: Timed { Timed() }
}

/// Mounting needs it.
var isRoot: Bool { geteuid() == 0 }

extension [String: Int] {
    /// "damaged 2, verified 4"
    var inWords: String { sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
}

extension Duration {
    /// With one decimal.
    var inSeconds: Double {
        (Double(components.seconds) * 10 + Double(components.attoseconds) / 1e17).rounded() / 10
    }
}
