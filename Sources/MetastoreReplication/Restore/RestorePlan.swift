// Invariants
// 1. What is read waits until it is taken: memory holds a few parts or segments, whatever the archive has.
// 2. A failure on either side ends both, and nothing is made.

internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// One way to a state: with which snapshot it begins, and through which revision it goes.
struct RestorePlan: Sendable {
    let line: ArchiveLine
    let history: ArchiveHistory
    let snapshot: SnapshotManifest?
    let revision: Revision
    var options: Restore.Options
    var milestones: [Milestone] = []
    /// Nothing is kept of what is made.
    var isScratch = false
    /// Records of a store that go on where the archive ends.
    var more: [LogRecord] = []

    /// A revision that is passed on the way, and what looks at the digests of the rows there.
    ///
    /// Nobody looks at the revision with which the plan's own snapshot begins.
    struct Milestone: Sendable {
        let revision: Revision
        let look: @Sendable (StateDigests) throws -> Void
    }

    /// What comes from the archive, in this order.
    private enum Piece: Sendable {
        case rows([(table: Int, rows: [[Value]])], number: Int, from: String)
        case endOfRows
        case image([UInt8], number: Int)
        case endOfImage
        case log([LogRecord])
        case records(ArchiveHistory.Part)
        case more([LogRecord])
    }

    func run(
        to target: EngineSource, _ progress: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws -> RestoredStore.Made {
        try snapshot?.checkTables()
        return try await Handover<Piece>.run(named: "metastore-restore") { pieces in
            try await read(into: pieces)
        } _: { pieces in
            guard let snapshot, snapshot.form == .image else { return try make(in: target, from: pieces, progress) }
            // Whatever is damaged in what is made comes from the image: the log's parts name themselves.
            return try telling(line.names.manifest(snapshot.id).description) {
                try make(in: target, from: pieces, progress)
            }
        }
    }

    // MARK: From the archive

    /// The revision after which the restored store's log begins, and its link.
    private var logStart: (revision: Revision, chain: [UInt8]) {
        guard let head = snapshot?.head, options.keepsLog else {
            return snapshot.map { ($0.head.revision, $0.head.chain) } ?? (history.start.revision, history.start.chain)
        }
        if head.compactedRevision >= history.start.revision { return (head.compactedRevision, head.compactedChain) }
        return (history.start.revision, history.start.chain)
    }

    private func read(into pieces: Handover<Piece>) async throws {
        if let snapshot, snapshot.form == .image {
            for number in snapshot.parts.indices {
                try await pieces.give(.image(try await line.part(number, of: snapshot).content, number: number))
            }
            try await pieces.give(.endOfImage)
        } else if let snapshot {
            for number in snapshot.parts.indices {
                let name = line.names.part(snapshot.id, attempt: snapshot.attempt, number: number).description
                let part = try await line.part(number, of: snapshot)
                var tables: [(table: Int, rows: [[Value]])] = []
                try part.forEachTable(snapshot.tables, named: name) { tables.append(($0, $1)) }
                try await pieces.give(.rows(tables, number: number, from: name))
            }
            try await pieces.give(.endOfRows)
        }
        let known = snapshot?.head.revision ?? .absent
        // An image has its log in it.
        let begin = snapshot?.form == .image ? known : logStart.revision
        try await history.forEachPart(after: begin, through: revision) { part in
            let before = part.records.prefix { $0.revision <= known }
            if !before.isEmpty { try await pieces.give(.log(Array(before))) }
            guard before.count < part.records.count else { return }
            let rest = Array(part.records.dropFirst(before.count))
            try await pieces.give(
                .records(ArchiveHistory.Part(object: part.object, records: rest, digests: part.digests)))
        }
        if !more.isEmpty { try await pieces.give(.more(more)) }
    }

    // MARK: Into the store

    private func make(
        in target: EngineSource, from pieces: Handover<Piece>, _ progress: (RestoreProgress) -> Void
    ) throws -> RestoredStore.Made {
        let ending: RestoredStore.Ending =
            switch options.purpose {
            case _ where isScratch: .scratch
            case .store: .newEpoch(above: history.end.epoch.number)
            case .replica: .replica
            }
        return try RestoredStore.make(
            in: target, options.store, as: ending, isImage: snapshot?.form == .image,
            filledBy: { write in try fill(from: pieces, write, progress) }
        ) { store in
            var rows: Int64 = 0
            let tables: [SnapshotTable]
            if let snapshot, snapshot.form == .image {
                tables = []
                try telling(line.names.manifest(snapshot.id).description) {
                    try store.begin(image: snapshot.head, keepsLog: options.keepsLog)
                }
            } else if let snapshot {
                tables = SnapshotTable.all(of: snapshot.head.schema)
                try store.begin(snapshot.head, logAfter: logStart)
            } else {
                tables = []
                try store.beginEmpty(cluster: line.cluster)
            }
            while let piece = try pieces.take() {
                switch piece {
                case .rows(let found, let number, let origin):
                    for (table, part) in found {
                        try telling(origin) { try store.insert(part, of: tables[table], from: origin) }
                        rows += Int64(part.count)
                    }
                    progress(.rows(rows, parts: number + 1, of: snapshot?.parts.count ?? 0))
                case .image, .endOfImage: throw StoreError.misuse(reason: "an image comes first.")
                case .endOfRows:
                    let manifest = snapshot.map { line.names.manifest($0.id).description } ?? ""
                    try telling(manifest) { try store.endRows(from: manifest) }
                case .log(let records):
                    try store.insertLog(records)
                case .records(let part):
                    try apply(part, to: store)
                    progress(.revisions(part.records.last?.revision ?? .absent, of: revision))
                case .more(let records):
                    _ = try store.replay(records)
                }
            }
        }
    }

    /// The image's bytes, up to its end.
    private func fill(
        from pieces: Handover<Piece>, _ write: ([UInt8]) throws -> Void, _ progress: (RestoreProgress) -> Void
    ) throws {
        while let piece = try pieces.take() {
            guard case .image(let bytes, let number) = piece else { return }
            try write(bytes)
            progress(.rows(0, parts: number + 1, of: snapshot?.parts.count ?? 0))
        }
    }

    private func apply(_ part: ArchiveHistory.Part, to store: RestoredStore) throws {
        var rest = part.records[...]
        var digests: StateDigests?
        while let first = rest.first, let last = rest.last {
            let passed = milestones.map(\.revision).filter { first.revision <= $0 && $0 <= last.revision }.min()
            let records = Array(rest.prefix { $0.revision <= passed ?? last.revision })
            rest = rest.dropFirst(records.count)
            let sums = try telling("\(part.object)") { try store.replay(records) }
            digests = sums
            for milestone in milestones where milestone.revision == passed { try milestone.look(sums) }
        }
        for (kind, sum) in part.digests ?? [:] where digests?[kind] != sum {
            throw ArchiveError.damaged(
                object: "\(part.object)", offset: 0,
                reason: "the digest of \(kind) in its footer is not that of the rows")
        }
    }

    /// Damage that shows where something is put together is told with the object it came from.
    private func telling<Result>(_ object: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch StoreError.damaged(let place, let reason) {
            throw ArchiveError.damaged(object: object, offset: 0, reason: "\(place): \(reason)")
        }
    }
}
