/// A line of Swift, taken apart.
struct SwiftLine: Equatable {
    /// What the compiler reads, with the insides of string literals left out.
    var code = ""
    /// The text of its comments, their marks included.
    var comment = ""

    var isOnlyComment: Bool { !comment.isEmpty && code.allSatisfy(\.isWhitespace) }
}

/// Splits Swift text into lines of code and comment. It knows string literals (of several lines, raw, interpolated) and
/// nested block comments, and no other grammar.
struct SwiftLines {
    private enum Mode {
        /// In an interpolation `parentheses` counts those still open.
        case code(parentheses: Int)
        case string(quotes: Int, hashes: Int)
        case block
    }

    private let text: [UInt8]
    private var position = 0
    private var modes: [Mode] = [.code(parentheses: 0)]
    private var lines: [SwiftLine] = []
    private var code: [UInt8] = []
    private var comment: [UInt8] = []

    static func split(_ text: String) -> [SwiftLine] {
        var splitter = SwiftLines(Array(text.utf8))
        while splitter.position < splitter.text.count { splitter.step() }
        splitter.endLine()
        return splitter.lines
    }

    private init(_ text: [UInt8]) { self.text = text }

    private mutating func step() {
        if text[position] == UInt8(ascii: "\n") {
            // A literal of one line can't go on; if it seems to, it was none.
            if case .string(quotes: 1, _) = modes[modes.count - 1] { modes.removeLast() }
            endLine()
            position += 1
            return
        }
        switch modes[modes.count - 1] {
        case .code(let parentheses): inCode(parentheses)
        case .string(let quotes, let hashes): inString(quotes, hashes)
        case .block: inBlock()
        }
    }

    private mutating func endLine() {
        lines.append(
            SwiftLine(code: String(decoding: code, as: UTF8.self), comment: String(decoding: comment, as: UTF8.self)))
        code.removeAll(keepingCapacity: true)
        comment.removeAll(keepingCapacity: true)
    }

    private mutating func inCode(_ parentheses: Int) {
        switch text[position] {
        case UInt8(ascii: "/") where next(is: UInt8(ascii: "/")):
            while position < text.count, text[position] != UInt8(ascii: "\n") { takeComment() }
        case UInt8(ascii: "/") where next(is: UInt8(ascii: "*")):
            modes.append(.block)
            takeComment()
            takeComment()
        case UInt8(ascii: "\""), UInt8(ascii: "#"):
            let hashes = run(of: UInt8(ascii: "#"), at: position)
            let marks = run(of: UInt8(ascii: "\""), at: position + hashes)
            guard marks > 0 else { return takeCode(hashes) }
            let quotes = marks >= 3 ? 3 : 1
            takeCode(hashes + quotes)
            modes.append(.string(quotes: quotes, hashes: hashes))
        case UInt8(ascii: "("):
            modes[modes.count - 1] = .code(parentheses: parentheses + 1)
            takeCode(1)
        case UInt8(ascii: ")"):
            modes[modes.count - 1] = .code(parentheses: parentheses - 1)
            if modes.count > 1, parentheses == 1 { modes.removeLast() }
            takeCode(1)
        default:
            takeCode(1)
        }
    }

    private mutating func inString(_ quotes: Int, _ hashes: Int) {
        switch text[position] {
        case UInt8(ascii: "\"")
        where run(of: UInt8(ascii: "\""), at: position) >= quotes
            && run(of: UInt8(ascii: "#"), at: position + quotes) >= hashes:
            modes.removeLast()
            takeCode(quotes + hashes)
        case UInt8(ascii: "\\") where run(of: UInt8(ascii: "#"), at: position + 1) >= hashes:
            position += 1 + hashes
            guard position < text.count, text[position] != UInt8(ascii: "\n") else { return }
            if text[position] == UInt8(ascii: "(") {
                modes.append(.code(parentheses: 0))
            } else {
                position += 1
            }
        default:
            position += 1
        }
    }

    private mutating func inBlock() {
        if text[position] == UInt8(ascii: "/"), next(is: UInt8(ascii: "*")) {
            modes.append(.block)
            takeComment()
        } else if text[position] == UInt8(ascii: "*"), next(is: UInt8(ascii: "/")) {
            modes.removeLast()
            takeComment()
        }
        takeComment()
    }

    private func next(is byte: UInt8) -> Bool { position + 1 < text.count && text[position + 1] == byte }

    private func run(of byte: UInt8, at start: Int) -> Int {
        var end = start
        while end < text.count, text[end] == byte { end += 1 }
        return end - start
    }

    private mutating func takeCode(_ count: Int) {
        code.append(contentsOf: text[position..<position + count])
        position += count
    }

    private mutating func takeComment() {
        comment.append(text[position])
        position += 1
    }
}
