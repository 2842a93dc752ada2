internal import MetastoreTestSupport

/// What may happen to the bytes of an object; those of a database have `Damage`.
enum ObjectDamage: CaseIterable {
    case oneBit, manyBits, cut, cutFront, zeroes, doubled, inserted, spliced, appended, exchanged

    func strike(_ bytes: [UInt8], _ other: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = bytes
        let place = Int.random(in: bytes.indices, using: &random)
        let length = min(bytes.count - place, Int.random(in: 1...64, using: &random))
        switch self {
        case .oneBit: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case .manyBits:
            for _ in 0..<20 {
                bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
        case .cut: bytes.removeLast(bytes.count - place)
        case .cutFront: bytes.removeFirst(place + 1)
        case .zeroes: for index in place..<place + length { bytes[index] = 0 }
        case .doubled: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
        case .inserted: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case .spliced: bytes = Array(bytes[..<place]) + other.dropFirst(min(place, other.count))
        case .appended: bytes.append(contentsOf: other)
        case .exchanged: bytes.swapAt(place, Int.random(in: bytes.indices, using: &random))
        }
        return bytes
    }
}
