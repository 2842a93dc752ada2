internal import MetastoreEngine

/// The prepared statements of one connection, by their abstract text; bounded, the least recently used leaves first.
struct StatementCache: ~Copyable {
    private var cursors: [String: Cursor] = [:]
    private let capacity: Int
    private var uses: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        cursors.reserveCapacity(self.capacity)
    }

    /// A cursor that nobody uses. A statement that is asked for while it runs is prepared a second time, and that one
    /// isn't kept.
    mutating func cursor(for statement: SQL, on handle: OpaquePointer) throws(EngineError) -> Cursor {
        uses &+= 1
        let found = cursors[statement.text]
        if let found, !found.isRunning {
            found.lastUse = uses
            return found
        }
        let made = Cursor(
            try PreparedStatement(statement.rendered(prefix: Dialect.sqlite.placeholderPrefix), on: handle))
        made.lastUse = uses
        if found == nil {
            if cursors.count >= capacity { removeOldest() }
            cursors[statement.text] = made
        }
        return made
    }

    /// Finalises every statement that isn't running; a running one goes with its last reference.
    mutating func removeAll() {
        cursors.removeAll()
    }

    var count: Int { cursors.count }

    /// Looks at every entry: a miss costs a hundred times more by itself.
    private mutating func removeOldest() {
        let oldest = cursors.min { $0.value.lastUse < $1.value.lastUse }
        if let oldest { cursors[oldest.key] = nil }
    }
}
