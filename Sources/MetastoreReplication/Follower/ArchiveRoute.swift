// Invariants
// 1. A later epoch's record stands at the end of the epoch before it. The end of an epoch is looked for in a list of
//    names, which may lack what was made lately: then the line itself leads there, one object later. That an epoch is
//    not in the archive is known only after the line was read to its end.
// 2. What an epoch has after the place that a later one goes on from is another history, and isn't given away.

internal import MetastoreModel

/// Which part of each epoch is the history that the archive's newest epoch goes on from.
struct ArchiveRoute: Sendable {
    /// The records of the epochs after the one that it begins in, in order.
    private(set) var later: [EpochRecord] = []

    /// Looks for the epochs after one.
    ///
    /// - Parameter revision: one of the epoch, or the last before it.
    init(_ line: ArchiveLine, from epoch: Epoch, after revision: Revision) async throws(ArchiveError) {
        var place = (epoch: epoch.number, after: revision)
        while let record = try await line.record(after: place.epoch, from: place.after) {
            later.append(record)
            place = (record.epoch.number, record.fork)
        }
    }

    /// All of what an archive keeps, also what no list of names has yet.
    ///
    /// - Parameter start: where the line begins.
    init(_ line: ArchiveLine, allFrom start: ArchivePlace) async throws(ArchiveError) {
        self = try await ArchiveRoute(line, from: start.epoch, after: start.revision)
        var place = later.last?.start ?? start
        if let last = try await line.segment(lastOf: place.epoch, after: place.revision) { place = last.end }
        while let object = try await line.object(after: place) {
            switch object {
            case .segment(let segment): place = segment.end
            case .epoch(let record):
                add(record)
                place = record.start
            }
        }
    }

    /// Takes in an epoch that the line led to.
    mutating func add(_ record: EpochRecord) {
        guard later.last.map({ $0.epoch.number < record.epoch.number }) ?? true else { return }
        later.append(record)
    }

    /// The first of the later epochs that goes on from before a revision of an epoch.
    func fork(before revision: Revision, of epoch: Epoch) -> EpochRecord? {
        later.filter { $0.epoch.number > epoch.number && $0.fork < revision }.min { $0.fork < $1.fork }
    }

    /// How far an epoch counts; nil where it goes on.
    func last(of epoch: Epoch) -> Revision? {
        later.filter { $0.epoch.number > epoch.number }.map(\.fork).min()
    }

    /// The epoch that goes on from an epoch's last revision that counts.
    func next(after epoch: Epoch) -> EpochRecord? {
        // Of several that go on from one revision the last has the history.
        guard let last = last(of: epoch) else { return nil }
        return later.last { $0.epoch.number > epoch.number && $0.fork == last }
    }

    /// Where the epoch begins whose part of the history has a revision, or would have it.
    ///
    /// - Parameter start: of the epoch that the route begins in.
    func place(before revision: Revision, from start: ArchivePlace) -> ArchivePlace {
        let starts = [start] + later.map(\.start)
        return starts.first { place in last(of: place.epoch).map { $0 >= revision } ?? true } ?? start
    }
}
