internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

/// What a shell offers for a key that is being typed.
package enum InspectCompletion {
    private static let most = 200

    /// - Parameter words: those of the command line; the first that names a store is taken.
    package static func keys(_ words: [String], prefix: String) -> [String] {
        for word in words.dropFirst() where !word.hasPrefix("-") {
            guard let inspection = try? InspectSession.open(word, InspectOptions()) else { continue }
            return (try? inspection.read { try keys(inspection, prefix) }) ?? []
        }
        return []
    }

    private static func keys(_ inspection: Inspection, _ prefix: String) throws -> [String] {
        guard let slash = prefix.lastIndex(of: "/") else {
            let kinds = RecordKind.allCases.filter { $0 != .cluster }
            return kinds.map(\.name).filter { $0.hasPrefix(prefix) }.map { $0 + "/" }
        }
        // As with directories: what comes next, and not all that is below it.
        let base = prefix[...slash]
        let under = KeyPrefix(String(prefix[..<slash]))
        var found: [String] = []
        for kind in RecordKind.allCases where under.kinds.contains(kind) && kind != .cluster && found.count < most {
            var query = RecordQuery(kind)
            query.under = under
            var matches = 0
            _ = try inspection.list(query) { record in
                let path = record.key.path
                guard path.hasPrefix(prefix) else { return true }
                let next = base + path.dropFirst(base.count).prefix { $0 != "/" }
                let offer = String(next.count < path.count ? next + "/" : next)
                if !found.contains(String(next)), !found.contains(offer) { found.append(offer) }
                matches += 1
                return matches < most
            }
        }
        return found
    }
}

/// What `--version` says.
package enum InspectVersion {
    package static var text: String {
        "metastore-inspect \(Metastore.version), schema \(Inspection.knownSchema), SQLite \(Inspection.sqliteVersion)"
    }
}
