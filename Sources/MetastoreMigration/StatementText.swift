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
        func begins(_ first: Character, _ second: Character) -> Bool {
            bytes[index] == first.asciiValue && index + 1 < bytes.count && bytes[index + 1] == second.asciiValue
        }
        while index < bytes.count {
            if begins("-", "-") {
                while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
                hasSpace = true
            } else if begins("/", "*") {
                index += 2
                while index < bytes.count, !begins("*", "/") { index += 1 }
                index += 2
                hasSpace = true
            } else if isSpace(bytes[index]) {
                index += 1
                hasSpace = true
            } else {
                if hasSpace, !kept.isEmpty { kept.append(UInt8(ascii: " ")) }
                hasSpace = false
                let end = isQuote(bytes[index]) ? endOfQuoted(bytes, from: index) : index + 1
                kept += bytes[index..<end]
                index = end
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

    static func isQuote(_ byte: UInt8) -> Bool {
        [UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`")].contains(byte)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
