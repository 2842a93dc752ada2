internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized) struct `Two stores, or two moments of one` {
    @Test func `a store differs from itself in nothing, and from its past in exactly what changed since`() async throws
    {
        try await withScratch { root in
            let path = root + "/store.db"
            try await RandomHistory.make(path, commits: 200, name: "diff")
            let now = try Inspection.open(path: path)
            let again = try Inspection.open(path: path)
            let compared = try StoreDiff.run(now, again) { Issue.record("\($0.key) differs") }.records
            #expect(compared > 100)
            var random = Seeded("diff revisions")
            let head = try now.store.summary().revision.rawValue
            for _ in 0..<Seeded.count(60, least: 3) {
                let revision = Revision(rawValue: Int64.random(in: 1..<head, using: &random))
                let past = try Inspection.open(path: path)
                try past.showPast(at: .revision(revision))
                var found: [String: RecordDifference.What] = [:]
                try StoreDiff.run(past, now) { found[$0.key.path] = $0.what }
                #expect(try found == netChanges(now, after: revision), "after \(revision)")
            }
        }
    }

    /// What the log says has changed in the end: changes that took each other back are none.
    private func netChanges(_ store: Inspection, after revision: Revision) throws -> [String: RecordDifference.What] {
        var first: [String: StoredRow?] = [:]
        var last: [String: StoredRow?] = [:]
        try store.log(after: revision) { _, changes in
            for change in changes {
                if first[change.key.path] == nil { first[change.key.path] = .some(change.before) }
                last[change.key.path] = .some(change.after)
            }
            return true
        }
        var net: [String: RecordDifference.What] = [:]
        for (key, before) in first {
            let after = last[key] ?? nil
            switch (before, after) {
            case (nil, nil): continue
            case (nil, _?): net[key] = .created
            case (_?, nil): net[key] = .deleted
            case (let before?, let after?):
                if before.image[2..<before.table.loggedCount] != after.image[2..<after.table.loggedCount] {
                    net[key] = .changed
                }
            }
        }
        return net
    }
}
