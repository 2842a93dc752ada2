internal import Crypto

/// The text of statements without what doesn't change their meaning.
package enum StatementText {
    /// Without comments, and with every run of white space as one space; what stands in quotes is left as it is.
    package static func normalised(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var hasSpace = false
        var index = 0
        func begins(_ first: UInt8, _ second: UInt8) -> Bool {
            bytes[index] == first && index + 1 < bytes.count && bytes[index + 1] == second
        }
        while index < bytes.count {
            if begins(dash, dash) {
                while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
                hasSpace = true
            } else if begins(slash, star) {
                index += 2
                while index < bytes.count, !begins(star, slash) { index += 1 }
                index += 2
                hasSpace = true
            } else if isSpace(bytes[index]) {
                index += 1
                hasSpace = true
            } else {
                if hasSpace, !kept.isEmpty { kept.append(UInt8(ascii: " ")) }
                hasSpace = false
                if isQuote(bytes[index]) {
                    let end = endOfQuoted(bytes, from: index)
                    kept += bytes[index..<end]
                    index = end
                } else {
                    kept.append(bytes[index])
                    index += 1
                }
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// SHA-256 of the normalised texts, so that a reformatted file is the same migration.
    package static func checksum(of texts: [String]) -> [UInt8] {
        Array(SHA256.hash(data: Array(texts.map(normalised).joined(separator: "\n").utf8)))
    }

    /// Where the quoted text that begins at `start` ends. A doubled quote is the end of one text and the beginning of
    /// another right after it.
    static func endOfQuoted(_ bytes: [UInt8], from start: Int) -> Int {
        let end = bytes[(start + 1)...].firstIndex(of: bytes[start]) ?? bytes.count - 1
        return end + 1
    }

    private static let (dash, slash, star) = (UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "*"))

    static func isQuote(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "`")
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
