/// What was done to a record.
public enum ChangeOperation: UInt8, Sendable, Hashable, CaseIterable, Codable {
    /// It wasn't there before.
    case created = 1
    /// It was there before and after.
    case updated = 2
    /// It isn't there any more.
    case deleted = 3
}

/// One record before and after one transaction, exactly as stored.
///
/// Changes are passed around and kept by many readers: a copy is one reference, and what it refers to never
/// changes.
public struct RecordChange<Value: Record>: Sendable {
    @usableFromInline final class Content: Sendable {
        @usableFromInline let key: RecordKey
        @usableFromInline let before: Value?
        @usableFromInline let after: Value?
        @usableFromInline let revision: Revision

        @inlinable init(key: RecordKey, before: Value?, after: Value?, revision: Revision) {
            self.key = key
            self.before = before
            self.after = after
            self.revision = revision
        }
    }

    @usableFromInline let content: Content

    // Inlined where the kind is known: to make or to read one of a kind yet unknown takes longer than to decode it.
    @inlinable package init(key: RecordKey, before: Value?, after: Value?, revision: Revision) {
        content = Content(key: key, before: before, after: after, revision: revision)
    }

    /// The record's key.
    @inlinable public var key: RecordKey { content.key }

    /// The record before the transaction; `nil` when it was created.
    @inlinable public var before: Value? { content.before }

    /// The record after the transaction; `nil` when it was deleted.
    @inlinable public var after: Value? { content.after }

    /// The revision of the transaction.
    @inlinable public var revision: Revision { content.revision }

    /// What was done.
    public var operation: ChangeOperation {
        if content.before == nil { return .created }
        return content.after == nil ? .deleted : .updated
    }
}

extension RecordChange: Hashable {
    /// Whether both are the same change of the same record.
    public static func == (left: RecordChange, right: RecordChange) -> Bool {
        left.content === right.content
            || left.revision == right.revision && left.key == right.key
                && left.before == right.before && left.after == right.after
    }

    /// Feeds revision and key, which name a change.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(revision)
        hasher.combine(key)
    }
}

extension RecordChange: CustomStringConvertible {
    /// One line: the revision, what was done, to which record. Nothing of its content.
    public var description: String { "\(revision) \(operation) \(key)" }
}
