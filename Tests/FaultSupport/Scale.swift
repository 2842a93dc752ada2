package import FaultLoad
internal import Glibc
package import Testing

/// How many of the full counts run, and from which seed.
package enum Scale {
    package static let factor = environment("METASTORE_TEST_SCALE").flatMap(Double.init) ?? 0.05
    package static let seed: UInt64 = {
        let seed = environment("METASTORE_TEST_SEED").flatMap(UInt64.init) ?? UInt64.random(in: 1...999_999)
        print("METASTORE_TEST_SEED=\(seed) METASTORE_TEST_SCALE=\(factor)")
        return seed
    }()

    package static func of(_ full: Int) -> Int { max(1, Int((Double(full) * factor).rounded())) }

    package static func random(_ salt: UInt64) -> SplitMix { SplitMix(state: seed &* 1_000_003 &+ salt) }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Prints how long a suite took.
package struct Timed: SuiteTrait, TestScoping {
    @concurrent package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let began = ContinuousClock.now
        defer { print("\(test.name): \((ContinuousClock.now - began).inSeconds) s") }
        try await function()
    }
}

extension Trait where Self == Timed {
    package static var timed: Timed { Timed() }
}

/// Mounting needs it.
package var isRoot: Bool { geteuid() == 0 }

extension [String: Int] {
    /// "damaged 2, verified 4"
    package var inWords: String { sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
}

extension Duration {
    /// With one decimal.
    package var inSeconds: Double {
        (Double(components.seconds) * 10 + Double(components.attoseconds) / 1e17).rounded() / 10
    }

    package var inMilliseconds: Int {
        Int(components.seconds) * 1_000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
