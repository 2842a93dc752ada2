/// The promises of the feed over a recorded history; each returns what is broken, or nil.
enum Validator: CaseIterable, Sendable {
    case ordered, unique, reliable, atomic, resumable, bookmarkable, filtered, exact

    func broken(_ observation: Observation, _ truth: Truth) -> String? {
        switch self {
        case .ordered: Self.ordered(observation)
        case .unique: Self.unique(observation)
        case .reliable: Self.reliable(observation, truth)
        case .atomic: Self.atomic(observation, truth)
        case .resumable: Self.resumable(observation)
        case .bookmarkable: Self.bookmarkable(observation)
        case .filtered: Self.filtered(observation)
        case .exact: Self.exact(observation, truth)
        }
    }

    /// Revisions only go up.
    private static func ordered(_ observation: Observation) -> String? {
        var last = observation.start
        for commit in observation.batches.flatMap(\.commits) {
            if commit.revision <= last { return "\(observation.name): \(commit.revision) comes after \(last)" }
            last = commit.revision
        }
        return nil
    }

    /// No change comes twice.
    private static func unique(_ observation: Observation) -> String? {
        struct Mark: Hashable {
            let revision: Int64
            let path: String
        }
        var seen: Set<Mark> = []
        for event in observation.events
        where !seen.insert(Mark(revision: event.revision, path: event.path)).inserted {
            return "\(observation.name): \(event.path) of \(event.revision) comes twice"
        }
        return nil
    }

    /// Every wanted change between the start and the last position is there.
    private static func reliable(_ observation: Observation, _ truth: Truth) -> String? {
        let end = observation.batches.last?.position ?? observation.start
        var seen: [Int64: Set<String>] = [:]
        for event in observation.events { seen[event.revision, default: []].insert(event.path) }
        for (revision, changes) in truth.commits where revision > observation.start && revision <= end {
            for change in changes where observation.isWanted(change.path) {
                if seen[revision]?.contains(change.path) != true {
                    return "\(observation.name): \(change.path) of \(revision) is missing"
                }
            }
        }
        return nil
    }

    /// A revision's wanted changes come together, in one commit.
    private static func atomic(_ observation: Observation, _ truth: Truth) -> String? {
        for commit in observation.batches.flatMap(\.commits) {
            guard let changes = truth.commits[commit.revision] else { continue }
            let wanted = Set(changes.map(\.path).filter(observation.isWanted))
            if Set(commit.events.map(\.path)) != wanted {
                return "\(observation.name): \(commit.revision) comes in pieces"
            }
        }
        return nil
    }

    /// After a disconnect it goes on right behind the position it resumed from.
    private static func resumable(_ observation: Observation) -> String? {
        var position = observation.start
        for batch in observation.batches {
            if batch.isFirstOfConnection, let first = batch.commits.first, first.revision <= position {
                return "\(observation.name): resumed after \(position), given \(first.revision)"
            }
            if batch.isFirstOfConnection, batch.position < position {
                return "\(observation.name): resumed after \(position), told \(batch.position)"
            }
            position = batch.position
        }
        return nil
    }

    /// A batch's position covers what the batch holds, and nothing that comes later is at or before it.
    private static func bookmarkable(_ observation: Observation) -> String? {
        var position = observation.start
        for batch in observation.batches {
            if batch.position <= position { return "\(observation.name): the position stands still at \(position)" }
            if let first = batch.commits.first, first.revision <= position {
                return "\(observation.name): \(first.revision) comes after the position \(position)"
            }
            if let last = batch.commits.last, last.revision > batch.position {
                return "\(observation.name): the position \(batch.position) is before \(last.revision)"
            }
            position = batch.position
        }
        return nil
    }

    /// Nothing comes that wasn't asked for.
    private static func filtered(_ observation: Observation) -> String? {
        for event in observation.events where !observation.isWanted(event.path) {
            return "\(observation.name): \(event.path) was not asked for"
        }
        return observation.batches.contains { $0.commits.contains { $0.events.isEmpty } }
            ? "\(observation.name): a commit without a wanted change" : nil
    }

    /// Both images are what was stored, and a before-image is the after-image before it.
    private static func exact(_ observation: Observation, _ truth: Truth) -> String? {
        var images: [String: Int] = [:]
        for event in observation.events {
            if let changes = truth.commits[event.revision], !changes.contains(event) {
                return "\(observation.name): \(event) is not what was committed"
            }
            if observation.start == 0 || images[event.path] != nil {
                if event.before != images[event.path] {
                    return "\(observation.name): the before-image of \(event.path) at \(event.revision)"
                }
            }
            images[event.path] = event.after
        }
        return nil
    }
}
