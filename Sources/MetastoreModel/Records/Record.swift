/// What every record of the store has, whatever its kind.
///
/// A record is a value as it was at one revision. Its properties can be read by everyone and set by the
/// store alone.
public protocol Record: Sendable, Hashable {
    /// The kind of every such record.
    static var recordKind: RecordKind { get }
    /// Its place in the key space.
    var recordKey: RecordKey { get }
    /// The revision that created it.
    var createdRevision: Revision { get }
    /// The revision of its last logged change.
    var revision: Revision { get }
    /// A change of such a record as one of any kind.
    static func change(_ change: RecordChange<Self>) -> Change
}
