// Invariants (G11, G15)
// 1. A store is written to by whoever opens the file that it was last written in, or was told that this file is the
//    store from now on.
// 2. Whoever begins to write in another file, or on another machine, does so in an epoch of its own.
// 3. A follower takes no writes of its own before it is promoted, and then in an epoch of its own. What was promoted
//    doesn't become a follower again because somebody starts what followed before.

package import MetastoreEngine

/// What somebody wants who opens a store for writing.
package enum OpeningIntent: Sendable, Hashable {
    /// To write.
    case lead(CopyPolicy)
    /// To take another store's writes.
    case follow(DemotionPolicy)
    /// To write to what was a follower.
    case promote
}

/// What becomes of a store's identity when it is opened for writing. It decides, and does nothing.
package struct IdentityDecision: Sendable, Hashable {
    /// Why an epoch begins.
    package enum Beginning: Sendable, Hashable {
        case adopted, moved, promoted
    }

    /// What the row is to say.
    package let identity: StoreIdentity
    /// Nil where the store goes on in its epoch.
    package let beginning: Beginning?

    /// - Parameters:
    ///   - found: what the row says.
    ///   - file: the file that is open; nil on a server and in memory.
    ///   - machine: where it is opened.
    /// - Throws: ``StoreError/copied(place:)``, ``StoreError/follower(place:)``; `unusable` when what is to follow is a
    ///   store of its own, `misuse` when what is to be promoted follows nobody.
    package init(
        found: StoreIdentity, file: FileMark?, machine: String?, _ intent: OpeningIntent, place: String
    ) throws(StoreError) {
        func identity(_ role: StoreRole) -> StoreIdentity {
            StoreIdentity(role: role, file: file, machine: file == nil ? nil : machine)
        }
        switch intent {
        case .follow(let demotion):
            // A copy is nobody's store, and so is one that nobody ever wrote to here.
            let isInUse = file.map { file in found.file?.isSameFile(as: file) ?? false } ?? true
            guard found.role == .follower || !isInUse || demotion == .demote else { throw .leads(at: place) }
            (self.identity, beginning) = (identity(.follower), nil)
            return
        case .promote:
            guard found.role == .follower else {
                throw .misuse(reason: "\(place) follows no other store: there is nothing to promote. Open it.")
            }
            (self.identity, beginning) = (identity(.leader), .promoted)
        case .lead(let copies):
            self.identity = identity(.leader)
            guard found.role == .leader else { throw .follower(place: place) }
            guard let file, let known = found.file else {
                beginning = nil
                return
            }
            guard known.isSameFile(as: file) else {
                guard copies == .adopt else { throw .copied(place: place) }
                beginning = .adopted
                return
            }
            // Where the last one had no id nothing says that this is another.
            beginning = found.machine == nil || found.machine == machine ? nil : .moved
        }
    }
}

extension StoreError {
    fileprivate static func leads(at place: String) -> StoreError {
        .unusable(
            place: place,
            reason: """
                the store takes writes of its own, and was perhaps promoted: it follows nobody. Nothing was changed. \
                If another store leads now, and what was committed only here may be undone, open this one with \
                `demotion = .demote`, once. Don't, while a master uses it
                """)
    }
}
