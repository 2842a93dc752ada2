internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// One attempt to make a snapshot. It blocks.
struct SnapshotRun {
    let line: ArchiveLine
    let history: ArchiveHistory
    let source: SnapshotSource
    let attempt: UInt64
    let form: SnapshotForm
    let tell: (SnapshotProgress) throws -> Void

    private var id: SnapshotID {
        SnapshotID(epoch: source.head.epoch.number, revision: source.head.revision, form: form)
    }

    func run() throws -> SnapshotReport {
        guard source.head.cluster == line.cluster else { throw StoreError.otherCluster }
        let anchor = try anchor()
        if let standing = try standing() { return try compare(standing, made: 0) }
        var parts: [SnapshotManifest.Part] = []
        let tables = form == .portable ? try writeRows(&parts) : []
        if form == .image { try writeImage(&parts) }
        let manifest = SnapshotManifest(
            form: form, attempt: attempt, anchor: anchor, head: source.head, tables: tables, parts: parts)
        let bytes = manifest.bytes
        guard bytes.count <= Limits.manifestBytes else {
            throw ArchiveError.tooLarge(
                object: "\(line.names.manifest(id))", bytes: bytes.count, limit: Limits.manifestBytes)
        }
        let (target, name) = (line.target, line.names.manifest(id))
        if try BlockingThread.wait({ try await target.create(name, bytes) }) == .created {
            return SnapshotReport(manifest, isOfAnother: false)
        }
        guard let standing = try standing() else {
            throw ArchiveError.unavailable(
                place: target.place, reason: "\(name) was there, and can't be found any more")
        }
        return try compare(standing, made: parts.count)
    }

    /// A place in the line from which it leads to the store's head.
    private func anchor() throws -> ArchivePlace {
        let head = source.head
        if head.revision <= history.end.revision, history.contains(head.epoch.number, head.revision) {
            let history = history
            let link = try BlockingThread.wait { try await history.link(at: head.revision) }
            guard link == head.chain, let place = history.place(before: head.revision) else {
                throw ArchiveError.forked(object: "the archive at \(line.target.place)", after: history.start.revision)
            }
            return place
        }
        guard head.epoch.number >= history.end.epoch.number, head.revision >= history.end.revision else {
            let last = history.stretches[history.stretches.count - 1].record
            throw ArchiveError.fenced(epoch: last.epoch.number, holder: last.holder, after: last.fork)
        }
        // The archive doesn't have these revisions yet: whether they are its history is seen when it does.
        return history.end
    }

    private func standing() throws -> SnapshotManifest? {
        let (line, id) = (line, id)
        return try BlockingThread.wait { try await line.manifest(id) }
    }

    /// There is one of that name: the same state counts as made.
    private func compare(_ standing: SnapshotManifest, made: Int) throws -> SnapshotReport {
        let isOfAnother = standing.attempt != attempt
        guard standing.head.isSameState(as: source.head) else {
            throw ArchiveError.forked(object: "\(line.names.manifest(id))", after: standing.anchor.revision)
        }
        if isOfAnother {
            let (target, names) = (line.target, (0..<made).map { line.names.part(id, attempt: attempt, number: $0) })
            // They are nobody's: no manifest names them, and none ever will.
            try BlockingThread.wait { for name in names { try await target.remove(name) } }
        }
        return SnapshotReport(standing, isOfAnother: isOfAnother)
    }

    // MARK: Parts

    private func writeRows(_ parts: inout [SnapshotManifest.Part]) throws -> [SnapshotManifest.TableShape] {
        try source.forEachContent { content, table, rows in
            try put(content, &parts)
            try tell(progress(table, rows, parts))
        }
    }

    private func writeImage(_ parts: inout [SnapshotManifest.Part]) throws {
        try source.forEachImageChunk(most: Limits.snapshotPartBytes) { chunk, _ in
            try put(chunk, &parts)
            try tell(progress("pages", 0, parts))
        }
    }

    private func progress(_ table: String, _ rows: Int64, _ parts: [SnapshotManifest.Part]) -> SnapshotProgress {
        SnapshotProgress(
            table: table, rows: rows, contentBytes: parts.reduce(0) { $0 + $1.content },
            storedBytes: parts.reduce(0) { $0 + $1.stored })
    }

    private func put(_ content: [UInt8], _ parts: inout [SnapshotManifest.Part]) throws {
        let number = parts.count
        guard number < Limits.snapshotParts else {
            throw ArchiveError.tooLarge(
                object: "\(id)", bytes: parts.reduce(0) { $0 + $1.stored },
                limit: Limits.snapshotParts * Limits.snapshotPartBytes)
        }
        let bytes = SnapshotPart(cluster: line.cluster, snapshot: id, number: number, content: content).bytes
        let (target, name) = (line.target, line.names.part(id, attempt: attempt, number: number))
        guard try BlockingThread.wait({ try await target.create(name, bytes) }) == .created else {
            throw ArchiveError.exists(object: "\(name)", reason: "another attempt has its number. Try again")
        }
        parts.append(
            SnapshotManifest.Part(content: content.count, stored: bytes.count, hash: SnapshotManifest.hash(bytes)))
    }
}
