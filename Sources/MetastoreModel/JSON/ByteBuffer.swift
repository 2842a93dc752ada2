/// Bytes that grow at their end, without the checks an array makes on each append.
struct ByteBuffer: ~Copyable {
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = max(16, capacity)
        bytes = .allocate(capacity: self.capacity)
    }

    deinit {
        bytes.deallocate()
    }

    /// What was written so far; valid until the next append.
    var filled: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes, count: count)
    }

    var text: String {
        String(decoding: filled, as: UTF8.self)
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        if count == capacity { grow(by: 1) }
        bytes[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ run: UnsafeBufferPointer<UInt8>) {
        guard let start = run.baseAddress else { return }
        if capacity - count < run.count { grow(by: run.count) }
        (bytes + count).update(from: start, count: run.count)
        count += run.count
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    mutating func append(_ literal: StaticString) {
        append(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Writes the same bytes in another order: the runs, which cover everything from `start` on but single
    /// separators.
    mutating func reorder(from start: Int, runs: some Sequence<Range<Int>>, separator: UInt8) {
        var sorted = ByteBuffer(capacity: count - start + 1)
        for run in runs {
            if sorted.count > 0 { sorted.append(separator) }
            sorted.append(UnsafeBufferPointer(start: bytes + run.lowerBound, count: run.count))
        }
        count = start
        append(sorted.filled)
    }

    private mutating func grow(by more: Int) {
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: bytes, count: count)
        bytes.deallocate()
        bytes = moved
        capacity = larger
    }
}
