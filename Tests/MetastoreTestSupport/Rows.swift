internal import Synchronization

/// Rows that a fault's closure read, for the test to look at.
package final class Rows: Sendable {
    private let rows = Mutex<[[Int64]]>([])

    package init() {}

    package func set(_ new: [[Int64]]) { rows.withLock { $0 = new } }
    package var value: [[Int64]] { rows.withLock { $0 } }
}
