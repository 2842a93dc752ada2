// Invariants
// 1. A label is of a revision that was in the archive's history when it was made; it never moves.
// 2. A label whose revision is no longer of this history is told, and never leads to another state.

internal import FoundationEssentials
package import Metastore
package import MetastoreModel

/// Names for revisions of an archive's history.
package struct Labels: Sendable {
    private let line: ArchiveLine
    private let time: TimeSource

    package init(_ line: ArchiveLine, time: TimeSource = .system) {
        self.line = line
        self.time = time
    }

    /// Names a revision.
    ///
    /// - Parameters:
    ///   - name: of `a`–`z`, `0`–`9`, `-` and inner dots, at most 100 bytes.
    ///   - revision: one that is archived; by default the last.
    ///   - text: what for, at most 1 KiB.
    /// - Throws: ``ArchiveError``: `exists` where another revision has the name, `missing` for a revision that is not
    ///   in the archive, `refused` for what can't be a name.
    @discardableResult
    package func add(
        _ name: String, at revision: Revision? = nil, text: String = ""
    ) async throws(ArchiveError) -> LabelRecord {
        let object = try object(name)
        guard text.utf8.count <= Limits.labelTextBytes else {
            throw .refused(
                place: line.target.place, reason: "a label's text has at most \(Limits.labelTextBytes) bytes")
        }
        let history = try await history()
        let revision = revision ?? history.end.revision
        guard let link = try await history.link(at: revision), let epoch = history.epoch(of: revision) else {
            throw .missing(
                what: "revision \(revision)",
                reason: "its history goes from \(history.start.revision) to \(history.end.revision)")
        }
        if history.kept != nil {
            let snapshots = try await line.snapshots()
            guard snapshots.contains(where: { $0.revision <= revision && history.contains($0.epoch, $0.revision) })
            else {
                throw .missing(what: "revision \(revision)", reason: "the first snapshot that is kept is later")
            }
        }
        let record = LabelRecord(
            name: name, cluster: line.cluster, epoch: epoch, revision: revision, chain: link, time: time.now(),
            text: text)
        guard try await line.target.create(object, record.bytes) == .taken else { return record }
        guard let standing = try await label(name), standing.chain == link, standing.revision == revision else {
            throw .exists(
                object: "label \(name)", reason: "it names another revision. Remove it first, or take another")
        }
        return standing
    }

    /// A label; nil where there is none of that name.
    package func label(_ name: String) async throws(ArchiveError) -> LabelRecord? {
        let object = try object(name)
        guard let bytes = try await line.target.read(object, limit: Limits.segmentObjectBytes) else { return nil }
        let record = try LabelRecord(bytes, named: object.description)
        guard record.name == name, record.cluster == line.cluster else {
            throw .damaged(object: object.description, offset: 0, reason: "it is another label than its name says")
        }
        return record
    }

    /// All labels, by name. It lists: one that was made a moment ago may be missing.
    package func all() async throws(ArchiveError) -> [LabelRecord] {
        var found: [LabelRecord] = []
        try await line.target.forEachName(under: line.names.labels) { (name) throws(ArchiveError) in
            if let record = try await label(String(name.words.last ?? "")) { found.append(record) }
        }
        return found
    }

    /// Takes a label away. What it kept may go with the next retention.
    ///
    /// - Throws: ``ArchiveError``: `missing` where there is none.
    package func remove(_ name: String) async throws(ArchiveError) {
        guard try await line.target.read(object(name), limit: Limits.segmentObjectBytes) != nil else {
            throw .missing(what: "label \(name)", reason: "there is none of that name")
        }
        try await line.target.remove(object(name))
    }

    /// The label's revision, made sure that it is of this history.
    ///
    /// - Throws: ``ArchiveError``: `missing`, `forked`, `expired`.
    package func revision(of name: String, in history: ArchiveHistory) async throws(ArchiveError) -> Revision {
        guard let label = try await label(name) else {
            throw .missing(what: "label \(name)", reason: "there is none of that name")
        }
        guard label.revision >= history.start.revision else { throw .expired(before: history.start.revision) }
        guard try await history.link(at: label.revision) == label.chain else {
            let common = history.stretches.last { $0.record.fork < label.revision }?.record.fork
            throw .forked(object: "label \(name)", after: common ?? history.start.revision)
        }
        return label.revision
    }

    private func object(_ name: String) throws(ArchiveError) -> ArchiveName {
        guard let object = line.names.label(name) else {
            throw .refused(
                place: line.target.place,
                reason:
                    "\(name.debugDescription) can't be a label's name: use a–z, 0–9, hyphens and inner dots, at "
                    + "most \(Limits.labelNameBytes)")
        }
        return object
    }

    private func history() async throws(ArchiveError) -> ArchiveHistory {
        guard let history = try await ArchiveHistory(line) else {
            throw .missing(what: "cluster \(line.cluster)", reason: "nothing of it was archived")
        }
        return history
    }
}

extension ArchiveHistory {
    /// The epoch that a revision of this history is of.
    func epoch(of revision: Revision) -> Epoch? {
        stretches.last { $0.start.revision < revision || $0.start == start }?.record.epoch
    }
}
