package import FoundationEssentials
internal import Synchronization

/// Random values from a seed, which is printed once a run: `METASTORE_TEST_SEED=… swift test` makes them again.
package struct Seeded: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64 = Seeded.seed) {
        state = seed
    }

    /// A generator of its own for one test, so that tests don't depend on each other's order.
    package init(_ test: String) {
        state = test.utf8.reduce(Seeded.seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    package mutating func uuid() -> UUID {
        let words = (next(), next())
        return withUnsafeBytes(of: words) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    /// This run's seed.
    package static let seed: UInt64 = {
        let given = ProcessInfo.processInfo.environment["METASTORE_TEST_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("METASTORE_TEST_SEED=\(seed)")
        return seed
    }()

    /// How much of the full counts a run does: 0.05 unless `METASTORE_TEST_SCALE` says otherwise.
    package static let scale: Double =
        ProcessInfo.processInfo.environment["METASTORE_TEST_SCALE"].flatMap { Double($0) } ?? 0.05

    /// A full count, scaled, but at least `least`.
    package static func count(_ full: Int, least: Int = 1) -> Int { max(least, Int(Double(full) * scale)) }
}
