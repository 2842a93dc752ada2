internal import Metastore
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing

/// A target whose calls a test counts, holds up and fails.
final class SteeredTarget: ArchiveTarget {
    /// What a call does.
    enum Mode: Sendable {
        case works
        /// It waits until the mode changes.
        case stalls
        case fails(ArchiveError)
        /// It works, and its answer is lost.
        case losesAnswers
    }

    private struct State {
        var mode = Mode.works
        var creations = 0
        var reads = 0
        var interruption: (@Sendable () async throws -> Void)?
    }

    let base: DirectoryTarget
    private let state = Mutex(State())

    init(_ base: DirectoryTarget) {
        self.base = base
    }

    var place: String { base.place }
    var creations: Int { state.withLock { $0.creations } }
    var reads: Int { state.withLock { $0.reads } }
    var mode: Mode {
        get { state.withLock { $0.mode } }
        set { state.withLock { $0.mode = newValue } }
    }

    /// Something that happens once, before the next object is read.
    func beforeNextRead(_ interruption: @escaping @Sendable () async throws -> Void) {
        state.withLock { $0.interruption = interruption }
    }

    static let lost = ArchiveError.unavailable(place: "nowhere", reason: "injected")

    private func steer<Answer>(_ call: () async throws(ArchiveError) -> Answer) async throws(ArchiveError) -> Answer {
        while case .stalls = mode {
            do {
                try await Task.sleep(for: .milliseconds(2))
            } catch {
                throw Self.lost
            }
        }
        if case .fails(let error) = mode { throw error }
        let answer = try await call()
        if case .losesAnswers = mode { throw Self.lost }
        return answer
    }

    func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation {
        state.withLock { $0.creations += 1 }
        return try await steer { () async throws(ArchiveError) in try await base.create(name, bytes) }
    }

    func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]? {
        let interruption = state.withLock { state in
            state.reads += 1
            defer { state.interruption = nil }
            return state.interruption
        }
        do {
            try await interruption?()
        } catch {
            Issue.record(error)
        }
        return try await steer { () async throws(ArchiveError) in try await base.read(name, limit: limit) }
    }

    func remove(_ name: ArchiveName) async throws(ArchiveError) { try await base.remove(name) }

    func list(
        under name: ArchiveName, after: ArchiveName?, limit: Int
    ) async throws(ArchiveError) -> [ArchiveName] {
        try await base.list(under: name, after: after, limit: limit)
    }
}
