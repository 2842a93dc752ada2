// Invariant: whoever inspects stores alone links nothing of archives: what reads them stands behind this, and the tool
// brings it.

package import MetastoreInspection
package import MetastoreModel

/// Reads archives for the inspector.
package protocol ArchiveReader: Sendable {
    /// Rebuilds a state of an archive, verified, and opens it to be looked at. Nothing is written into the archive.
    ///
    /// - Parameters:
    ///   - point: a revision, a time or a label; nil for the newest state that can be proven.
    ///   - screen: where progress is shown, and what is damaged or missing is said.
    /// - Throws: `CommandFailure`.
    func open(_ archive: FoundArchive, at point: String?, screen: CommandScreen) throws -> any RebuiltArchive
}

/// A state of an archive, and what is known of the archive itself.
package protocol RebuiltArchive {
    /// The rebuilt state.
    var inspection: Inspection { get }
    /// The revision that was asked for; nil where the newest was.
    var past: Revision? { get }
    /// What the archive has, and what of it is damaged or missing; for `info`.
    func facts() throws -> any CommandReport
    /// What of the archive was made sure of.
    func check(_ depth: StoreCheck.Depth) throws -> [ArchiveFinding.Item]
}

/// Something wrong with an archive.
package struct ArchiveFinding: Sendable, Hashable {
    /// One thing that was made sure of, and what was found wrong with it.
    package struct Item: Sendable {
        package let name: String
        package let findings: [ArchiveFinding]

        package init(_ name: String, _ findings: [ArchiveFinding]) { (self.name, self.findings) = (name, findings) }
    }

    /// The object's name, below the archive's folder.
    package let object: String
    package let detail: String

    package init(_ object: String, _ detail: String) { (self.object, self.detail) = (object, detail) }
}

extension InspectOptions {
    /// The archive that is meant; nil where there is none at the place, or a store is.
    ///
    /// - Throws: `CommandFailure`; `InspectionError` where there are several.
    func archive(at path: String, _ found: StoreFinder.Found) throws -> FoundArchive? {
        guard let cluster else {
            if case .archive(let archive) = found { return archive }
            return nil
        }
        let all = StoreFinder.archives(at: path)
        let those = all.filter { $0.cluster == cluster.lowercased() }
        guard those.count < 2 else { throw InspectionError.severalArchives(place: path, archives: those) }
        guard let archive = those.first else {
            let names = Set(all.map(\.cluster)).sorted()
            throw CommandFailure(
                .missing,
                "\(path): there is no archive of cluster \(cluster)."
                    + (names.isEmpty ? "" : " There is \(names.prefix(8).joined(separator: ", ")).")
                    + " Leave --cluster out for a store.")
        }
        return archive
    }
}
