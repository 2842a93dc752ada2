extension JSONScanner {
    /// The text of a string, its escapes resolved.
    func text(_ token: StringToken) throws(JSONFault) -> String {
        guard token.hasEscape else { return String(decoding: bytes(token.range), as: UTF8.self) }
        return String(decoding: try unescaped(token.range), as: UTF8.self)
    }

    /// The bytes that an escaped string stands for; NUL and halves of surrogate pairs are refused.
    func unescaped(_ range: Range<Int>) throws(JSONFault) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = input[index]
            index += 1
            guard byte == 0x5C else {
                result.append(byte)
                continue
            }
            let letter = input[index]
            index += 1
            switch letter {
            case 0x22, 0x5C, 0x2F: result.append(letter)
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                let scalar = try scalar(&index, before: range.upperBound)
                result.append(contentsOf: UTF8.encode(scalar)!)
            default: throw .malformed(index - 2, "an unknown escape stands")
            }
        }
        return result
    }

    private func scalar(_ index: inout Int, before end: Int) throws(JSONFault) -> Unicode.Scalar {
        let start = index - 2
        let unit = try codeUnit(&index, before: end)
        if unit == 0 { throw .nul }
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // A high half must be followed by a low one.
        if UTF16.isLeadSurrogate(UInt16(unit)), index + 1 < end, input[index] == 0x5C,
            input[index + 1] == UInt8(ascii: "u")
        {
            index += 2
            let low = try codeUnit(&index, before: end)
            if UTF16.isTrailSurrogate(UInt16(low)),
                let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            {
                return scalar
            }
        }
        throw .malformed(start, "half of a surrogate pair stands alone")
    }

    private func codeUnit(_ index: inout Int, before end: Int) throws(JSONFault) -> UInt32 {
        guard end - index >= 4 else { throw .malformed(index, "an escape has fewer than four digits") }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            // Upper-case digits are read as lower-case ones; no other byte becomes a digit by that.
            let byte = input[index]
            guard let value = Hexadecimal.value(of: byte >= 0x41 ? byte | 0x20 : byte) else {
                throw .malformed(index, "an escape has a digit that isn't hexadecimal")
            }
            unit = unit << 4 | UInt32(value)
            index += 1
        }
        return unit
    }
}

extension ByteBuffer {
    /// Writes text in quotes with the fewest escapes; the caller has refused NUL.
    mutating func appendQuoted(_ text: UnsafeBufferPointer<UInt8>) {
        append(0x22)
        var start = 0
        for index in 0..<text.count {
            let byte = text[index]
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { continue }
            append(UnsafeBufferPointer(rebasing: text[start..<index]))
            start = index + 1
            append(0x5C)
            switch byte {
            case 0x22, 0x5C: append(byte)
            case 0x08: append(UInt8(ascii: "b"))
            case 0x0C: append(UInt8(ascii: "f"))
            case 0x0A: append(UInt8(ascii: "n"))
            case 0x0D: append(UInt8(ascii: "r"))
            case 0x09: append(UInt8(ascii: "t"))
            default:
                append("u00" as StaticString)
                append(0x30 + byte >> 4)
                append(byte & 0xF < 10 ? 0x30 + byte & 0xF : 0x61 + (byte & 0xF) - 10)
            }
        }
        append(UnsafeBufferPointer(rebasing: text[start...]))
        append(0x22)
    }
}
