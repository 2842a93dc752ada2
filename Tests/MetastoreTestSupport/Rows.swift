internal import Synchronization

/// Rows that a fault's closure read, for the test to look at.
public final class Rows: Sendable {
    private let rows = Mutex<[[Int64]]>([])

    public init() {}

    public func set(_ new: [[Int64]]) { rows.withLock { $0 = new } }
    public var value: [[Int64]] { rows.withLock { $0 } }
}
