// Invariants
// 1. What was appended stands in the archive's one line, durable, after everything this writer appended before.
// 2. A name that somebody else took is looked at: the same history counts as appended, whoever wrote it; another one is
//    a fork, and from then on this writer appends nothing.
// 3. A name that retention or merging freed is not taken for one that nobody had: what is put there is no part of the
//    line. It is compared with what was merged; where retention removed that, it is told as a fork.
// 4. An epoch ends for everybody at once: its record takes the name that its next segment would need. So an answer
//    about a segment is never taken back by a master that comes later.

package import MetastoreModel

/// Appends one store's history to an archive.
///
/// It is used by one task at a time.
package struct ArchiveWriter: Sendable {
    package let line: ArchiveLine
    /// What is archived: where the line goes on.
    package private(set) var end: ArchivePlace
    /// Why nothing more is appended.
    package private(set) var alarm: ArchiveError?
    /// Where the kept history begins, as far as this writer has looked.
    private var kept: KeptRecord?

    /// - Parameter end: a place in the line up to which this store's history is known to be archived; the beginning of
    ///   the store's history in an empty archive.
    package init(_ line: ArchiveLine, after end: ArchivePlace) {
        self.line = line
        self.end = end
    }

    /// Appends a segment that begins where the line ends.
    ///
    /// - Returns: how many of its revisions are archived now: all, or fewer where the archive has a shorter segment of
    ///   the same history under the name. Cut a new one from there.
    /// - Throws: ``ArchiveError``: `fenced` when another master ended the epoch, `forked` when the name has another
    ///   history: both for good. `behind` when the archive has all of it and more, as after an answer that was lost:
    ///   look at where it ends. After `unavailable` it is tried again.
    package mutating func append(_ segment: Segment) async throws(ArchiveError) -> Int {
        try stopIfAlarmed()
        precondition(
            segment.follows(end) && segment.header.first.rawValue == end.revision.rawValue + 1,
            "a segment begins where the line ends")
        if try await isInLine(segment.bytes) { end = segment.end } else { try await compare(segment) }
        return Int(end.revision.rawValue - segment.header.first.rawValue) + 1
    }

    /// Opens an epoch after the archive's last: whoever writes in an earlier one is fenced from now on.
    ///
    /// - Parameter record: its number is the last epoch's and one. Its fork is where this writer ends, or an earlier
    ///   revision that a restored store goes on from.
    /// - Throws: ``ArchiveError``: `fenced` when another master opened one first; `behind` when the last epoch's master
    ///   went on meanwhile: follow it, and try again with a later fork, or it loses what it was answered for.
    package mutating func open(_ record: EpochRecord) async throws(ArchiveError) {
        try stopIfAlarmed()
        precondition(record.epoch.number == end.epoch.number + 1, "an epoch's number is its predecessor's and one")
        if try await !isInLine(record.bytes) {
            switch try await standing() {
            case .epoch(let other) where other == record: break
            case .epoch(let other): throw stop(other)
            case .segment(let other):
                guard other.follows(end) else { throw fork() }
                throw .behind(after: end.revision)
            }
        }
        end = record.start
    }

    /// Puts an object where the line ends.
    ///
    /// - Returns: false where something else stands there: under the name, or merged with what came after it.
    private mutating func isInLine(_ bytes: [UInt8]) async throws(ArchiveError) -> Bool {
        let creation = try await line.target.create(line.name(after: end), bytes)
        // Retention frees names: one before the beginning is no longer in the line, and was somebody else's. Whether
        // this call took it, or an earlier one whose answer was lost, is the same.
        kept = try await line.kept(after: kept)
        if let kept, kept.isBeyond(end) {
            if creation == .taken, case .epoch(let other) = try await line.object(after: end), other.bytes != bytes {
                throw stop(other)
            }
            throw fork()
        }
        guard creation == .created else { return false }
        return try await !line.isMerged(after: end)
    }

    /// Something stands where the segment would: what is it?
    private mutating func compare(_ segment: Segment) async throws(ArchiveError) {
        switch try await standing() {
        case .epoch(let record): throw stop(record)
        case .segment(let other):
            let last = min(other.header.last, segment.header.last)
            guard other.follows(end), other.link(of: last) == segment.link(of: last) else { throw fork() }
            guard other.header.last == last else { throw .behind(after: last) }
            end = other.end
        }
    }

    private func standing() async throws(ArchiveError) -> ArchiveObject {
        guard let object = try await line.object(after: end) else {
            throw .unavailable(
                place: line.target.place,
                reason: "\(line.foundName(after: end)) was there, and can't be found any more")
        }
        return object
    }

    private func stopIfAlarmed() throws(ArchiveError) {
        if let alarm { throw alarm }
    }

    /// The archive is found to have another history after a revision that is archived: nothing more is appended.
    package mutating func fork(after revision: Revision) -> ArchiveError {
        stop(.forked(object: "the archive at \(line.target.place)", after: revision))
    }

    private mutating func fork() -> ArchiveError {
        stop(.forked(object: "\(line.foundName(after: end))", after: end.revision))
    }

    private mutating func stop(_ record: EpochRecord) -> ArchiveError {
        stop(.fenced(epoch: record.epoch.number, holder: record.holder, after: record.fork))
    }

    private mutating func stop(_ error: ArchiveError) -> ArchiveError {
        alarm = error
        return error
    }
}
