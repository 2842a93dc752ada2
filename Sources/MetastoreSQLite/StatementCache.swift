internal import MetastoreEngine

/// The prepared statements of one connection, by their abstract text; bounded, the least recently used leaves first.
final class StatementCache {
    private var cursors: [StatementKey: Cursor] = [:]
    /// The cursor last used for each of a few summaries: most look-ups end here, without a hash table.
    private let front: UnsafeMutableBufferPointer<Cursor?>
    private let capacity: Int
    private var uses: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        cursors.reserveCapacity(self.capacity)
        front = .allocate(capacity: 64)
        front.initialize(repeating: nil)
    }

    deinit {
        front.deinitialize()
        front.deallocate()
    }

    /// A cursor that nobody uses. A statement that is asked for while it runs is prepared a second time, and that one
    /// isn't kept.
    func cursor(for statement: SQL, on handle: OpaquePointer) throws(EngineError) -> Cursor {
        uses &+= 1
        let summary = StatementKey.summary(of: statement.text)
        let place = summary & 63
        if let cursor = front[place], !cursor.isRunning, cursor.text == statement.text {
            cursor.lastUse = uses
            return cursor
        }
        let key = StatementKey(text: statement.text, summary: summary)
        let found = cursors[key]
        if let found, !found.isRunning {
            found.lastUse = uses
            front[place] = found
            return found
        }
        let made = Cursor(
            try PreparedStatement(statement.rendered(prefix: Dialect.sqlite.placeholderPrefix), on: handle),
            text: statement.text)
        made.lastUse = uses
        if found == nil {
            if cursors.count >= capacity { removeOldest() }
            cursors[key] = made
            front[place] = made
        }
        return made
    }

    /// Finalises every statement that isn't running; a running one goes with its last reference.
    func removeAll() {
        cursors.removeAll()
        for place in front.indices { front[place] = nil }
    }

    var count: Int { cursors.count }

    /// Looks at every entry: a miss costs a hundred times more by itself.
    private func removeOldest() {
        let oldest = cursors.min { $0.value.lastUse < $1.value.lastUse }
        guard let oldest else { return }
        cursors[oldest.key] = nil
        front[oldest.key.summary & 63] = nil
    }
}

/// A statement's text, hashed by its length and its end alone: texts are long, ours differ there, and equality is
/// exact.
private struct StatementKey: Hashable {
    let text: String
    let summary: Int

    func hash(into hasher: inout Hasher) { hasher.combine(summary) }

    static func summary(of text: String) -> Int {
        let summary = text.utf8.withContiguousStorageIfAvailable { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            guard bytes.count >= 16 else { return bytes.count }
            let last = bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
            let before = bytes.loadUnaligned(fromByteOffset: bytes.count - 16, as: UInt64.self)
            let mixed = last &* 0x9E37_79B9_7F4A_7C15 ^ before &* 0xC2B2_AE3D_27D4_EB4F ^ UInt64(bytes.count)
            return Int(truncatingIfNeeded: mixed ^ mixed >> 32)
        }
        return summary ?? text.utf8.count
    }
}
