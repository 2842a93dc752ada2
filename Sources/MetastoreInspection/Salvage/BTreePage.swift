// Invariants
// 1. Nothing in a page is believed: every offset and every length is checked against the page before it is used.
// 2. A page is taken apart by itself. What it says of other pages is for its caller to follow, within bounds.

internal import MetastoreModel
internal import MetastoreSQLite

/// A page of a tree, taken apart (SQLite's file format, section 1.6).
struct BTreePage {
    enum Kind: UInt8 {
        case keyedInner = 2
        case numberedInner = 5
        case keyedLeaf = 10
        case numberedLeaf = 13

        var isLeaf: Bool { self == .keyedLeaf || self == .numberedLeaf }
        var isKeyed: Bool { self == .keyedInner || self == .keyedLeaf }
    }

    /// A cell, as far as it lies in the page.
    struct Cell {
        /// The page below, whose rows come before this one.
        var child: UInt32?
        /// The row's number, or the greatest below.
        var number: Int64?
        var record: Record?
    }

    /// A record: its first bytes, and where the others are.
    struct Record {
        let bytes: Int
        let local: Range<Int>
        let overflow: UInt32?
    }

    let kind: Kind
    let bytes: [UInt8]
    /// Bytes of the page that are used.
    let usable: Int
    /// Where the cells begin.
    let places: [Int]
    /// Cells that would begin outside the page.
    let misplaced: Int
    /// The page below, whose rows come after all cells.
    let last: UInt32?

    /// Nil for what is no page of a tree.
    init?(_ bytes: [UInt8], number: UInt32, reserved: Int = 0) {
        let start = number == 1 ? 100 : 0
        let usable = bytes.count - reserved
        guard usable >= 480, bytes.count >= start + 12, let kind = Kind(rawValue: bytes[start]) else { return nil }
        let first = start + (kind.isLeaf ? 8 : 12)
        let count = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
        let end = first + 2 * count
        guard end <= usable else { return nil }
        self.kind = kind
        self.bytes = bytes
        self.usable = usable
        var places: [Int] = []
        places.reserveCapacity(count)
        for index in 0..<count {
            let place = Int(bytes[first + 2 * index]) << 8 | Int(bytes[first + 2 * index + 1])
            if place >= end, place + 4 <= usable { places.append(place) }
        }
        self.places = places
        misplaced = count - places.count
        last = kind.isLeaf ? nil : bytes.bigEndian(start + 8)
    }

    /// Bytes that are no page of a tree any more, but may hold cells of one.
    init(remainsOf bytes: [UInt8], as kind: Kind, reserved: Int = 0) {
        self.kind = kind
        self.bytes = bytes
        usable = bytes.count - reserved
        (places, misplaced, last) = ([], 0, nil)
    }

    /// The cell that begins there; nil when it can't be one.
    func cell(at place: Int) -> Cell? {
        var cell = Cell()
        var next = place
        if !kind.isLeaf {
            guard next + 4 <= usable else { return nil }
            cell.child = bytes.bigEndian(next)
            next += 4
        }
        if kind == .numberedInner {
            guard let number = Self.varint(bytes, &next, usable) else { return nil }
            cell.number = Int64(bitPattern: number)
            return cell
        }
        guard let length = Self.varint(bytes, &next, usable), length <= UInt64(Self.mostBytes) else { return nil }
        if kind == .numberedLeaf {
            guard let number = Self.varint(bytes, &next, usable) else { return nil }
            cell.number = Int64(bitPattern: number)
        }
        guard let record = record(Int(length), at: next) else { return nil }
        cell.record = record
        return cell
    }

    /// No row has more: what claims to is damaged.
    static let mostBytes = Limits.logBodyBytes + (1 << 20)

    private func record(_ count: Int, at place: Int) -> Record? {
        let most = kind == .numberedLeaf ? usable - 35 : (usable - 12) * 64 / 255 - 23
        let least = (usable - 12) * 32 / 255 - 23
        var local = count
        if count > most {
            let fitting = least + (count - least) % (usable - 4)
            local = fitting <= most ? fitting : least
        }
        let end = place + local
        guard end <= usable else { return nil }
        guard local < count else { return Record(bytes: count, local: place..<end, overflow: nil) }
        guard end + 4 <= usable else { return nil }
        return Record(bytes: count, local: place..<end, overflow: bytes.bigEndian(end))
    }

    /// SQLite's variable-length number: seven bits a byte, most significant first, the ninth byte whole.
    static func varint(_ bytes: [UInt8], _ place: inout Int, _ end: Int) -> UInt64? {
        var number: UInt64 = 0
        for index in 0..<9 {
            guard place < end else { return nil }
            let byte = bytes[place]
            place += 1
            if index == 8 { return number << 8 | UInt64(byte) }
            number = number << 7 | UInt64(byte & 0x7F)
            if byte & 0x80 == 0 { return number }
        }
        return nil
    }
}
