internal import MetastoreReplication

/// A target whose calls go to another one, each through the same hands.
protocol PassedTarget: ArchiveTarget {
    var base: any ArchiveTarget { get }

    /// Makes a call, or doesn't, or keeps its answer.
    func pass<Answer>(_ call: () async throws(ArchiveError) -> Answer) async throws(ArchiveError) -> Answer
}

extension PassedTarget {
    var place: String { base.place }

    func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation {
        try await pass { () async throws(ArchiveError) in try await base.create(name, bytes) }
    }

    func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]? {
        try await pass { () async throws(ArchiveError) in try await base.read(name, limit: limit) }
    }

    func remove(_ name: ArchiveName) async throws(ArchiveError) {
        try await pass { () async throws(ArchiveError) in try await base.remove(name) }
    }

    func list(
        under name: ArchiveName, after: ArchiveName?, limit: Int
    ) async throws(ArchiveError) -> [ArchiveName] {
        try await pass { () async throws(ArchiveError) in try await base.list(under: name, after: after, limit: limit) }
    }
}
