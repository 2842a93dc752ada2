import FoundationEssentials
import Glibc
import Metastore
import MetastoreEngine
import MetastoreSQLite
import MetastoreTestSupport

/// Where the randomness of these tests begins, and how much they do.
///
/// `METASTORE_TEST_SEED` repeats a failed run; `METASTORE_TEST_SCALE` is 1 for the full counts.
enum Load {
    static let seed: UInt64 = {
        let seed = environment("METASTORE_TEST_SEED").flatMap { UInt64($0) } ?? .random(in: 1 ... .max)
        print("METASTORE_TEST_SEED=\(seed)")
        return seed
    }()

    static let scale = environment("METASTORE_TEST_SCALE").flatMap { Double($0) } ?? 0.05

    /// The scaled part of a full count, and at least one.
    static func part(of count: Int) -> Int { max(1, Int(Double(count) * scale)) }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Random values that a failing run can make again.
struct Randomness: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &self)! }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }
}

/// A directory of its own, gone with its last use.
final class TemporaryPlace: Sendable {
    let path: String

    init() {
        path = "/tmp/metastore-test-\(UUID().uuidString)"
        mkdir(path, 0o700)
    }

    deinit {
        for place in Place.allCases { place.engine.remove(from: path) }
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { path + "/" + name }
    func database(_ name: String = "m.db") -> EngineSource { .sqlite(file(name)) }

    /// The store of this directory: a file in it, or a database that is its alone.
    func source(_ place: Place) throws -> EngineSource { try place.engine.source(in: path) }
}

enum Place: CaseIterable, Sendable {
    case memory, disk
    #if PostgreSQL
        case postgresql
        /// The same through pgbouncer, with two connections for a store.
        case pooled
    #endif

    var isLasting: Bool { self != .memory }

    /// True when nobody else writes to a store of it.
    var isExclusive: Bool { engine.isExclusive }

    var engine: TestEngine {
        switch self {
        case .memory: .memory
        case .disk: .disk
        #if PostgreSQL
            case .postgresql: .postgresql
            case .pooled: .pooled
        #endif
        }
    }

    /// How much of a full count is done here: what a commit costs differs.
    func part(memory: Int, disk: Int, postgresql: Int) -> Int {
        switch self {
        case .memory: Load.part(of: memory)
        case .disk: Load.part(of: disk)
        #if PostgreSQL
            case .postgresql: Load.part(of: postgresql)
            case .pooled: Load.part(of: postgresql / 5)
        #endif
        }
    }
}

extension StoreOptions {
    /// Looks after bookmarks and retention often, so that tests don't wait for it; and is patient with a server that
    /// all tests share.
    static var quick: StoreOptions {
        var options = StoreOptions()
        options.engine.callTimeout = .seconds(30)
        options.housekeepingInterval = .milliseconds(20)
        return options
    }
}

/// Asks again until it holds, for at most some seconds.
func eventually(_ seconds: Int = 20, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}
