internal import MetastoreEngine

/// The prepared statements of one connection, by their abstract text; bounded, the least recently used leaves first.
final class StatementCache {
    /// A text, hashed by its length and its end alone: texts are long, ours differ there, and equality is exact.
    private struct Key: Hashable {
        var text: String
        let summary: Int

        init(_ text: String) {
            var text = text
            summary = text.withUTF8 { bytes in
                var end = UInt64(bytes.count)
                if bytes.count >= 16 {
                    let last = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[(bytes.count - 16)...])
                    end ^= last.loadUnaligned(as: UInt64.self) &* 0x9E37_79B9_7F4A_7C15
                    end ^= last.loadUnaligned(fromByteOffset: 8, as: UInt64.self) &* 0xC2B2_AE3D_27D4_EB4F
                }
                return Int(truncatingIfNeeded: end ^ end >> 32)
            }
            self.text = text
        }

        func hash(into hasher: inout Hasher) { hasher.combine(summary) }
    }

    private var cursors: [Key: Cursor] = [:]
    /// The cursor last used for each of a few summaries: most look-ups end here, without a hash table.
    private var front: [(key: Key, cursor: Cursor)?] = Array(repeating: nil, count: 64)
    private let capacity: Int
    private var uses: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        cursors.reserveCapacity(self.capacity)
    }

    /// A cursor that nobody uses. A statement that is asked for while it runs is prepared a second time, and that one
    /// isn't kept.
    func cursor(for statement: SQL, on handle: OpaquePointer) throws(EngineError) -> Cursor {
        uses &+= 1
        let key = Key(statement.text)
        let place = key.summary & 63
        if let (known, cursor) = front[place], known == key, !cursor.isRunning {
            cursor.lastUse = uses
            return cursor
        }
        let found = cursors[key]
        if let found, !found.isRunning {
            found.lastUse = uses
            front[place] = (key, found)
            return found
        }
        let made = Cursor(
            try PreparedStatement(statement.rendered(prefix: Dialect.sqlite.placeholderPrefix), on: handle))
        made.lastUse = uses
        if found == nil {
            if cursors.count >= capacity { removeOldest() }
            cursors[key] = made
            front[place] = (key, made)
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
