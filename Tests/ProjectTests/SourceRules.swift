/// Rules a scanner of lines can check. Each is a function from one file to what breaks the rule there.
enum SourceRules {
    static let linesMost = 400
    static let columnsMost = 120

    static func length(_ file: String, _ text: String) -> [Finding] {
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        var findings: [Finding] = []
        let count = lines.last?.isEmpty == true ? lines.count - 1 : lines.count
        if file.hasSuffix(".swift"), count > linesMost {
            findings.append(Finding(file: file, line: 0, reason: "\(count) lines; at most \(linesMost)"))
        }
        for (index, line) in lines.enumerated() where line.count > columnsMost {
            findings.append(
                Finding(file: file, line: index + 1, reason: "\(line.count) columns; at most \(columnsMost)"))
        }
        return findings
    }

    /// What switches a check of the compiler off says why, beside it or in the comment right above.
    static func reasons(_ file: SourceFile) -> [Finding] {
        let lines = file.lines
        var findings: [Finding] = []
        for (index, line) in lines.enumerated() {
            for (mark, word) in needingReason where line.code.contains(mark) {
                let comments = ([line] + lines[..<index].reversed().prefix { $0.isOnlyComment }).map(\.comment)
                if comments.contains(where: { !$0.isEmpty && (word.isEmpty || $0.contains(word)) }) { continue }
                let reason = word.isEmpty ? "\(mark) without a reason" : "\(mark) without a comment on \(word)"
                findings.append(Finding(file: file.path, line: index + 1, reason: reason))
            }
        }
        return findings
    }

    /// A type has a documentation comment anyway, so the reason must name what it is the reason of.
    private static let needingReason: [(mark: String, word: String)] = [
        ("@unchecked Sendable", "@unchecked"), ("nonisolated(unsafe)", ""), ("unowned(unsafe)", ""),
        ("try!", ""), ("fatalError(", ""), ("unsafeBitCast(", ""),
    ]

    /// Work that is left to do stands in the issues, not in the code.
    static func openEnds(_ file: SourceFile) -> [Finding] {
        file.lines.enumerated().compactMap { index, line in
            let words = line.comment.split { !$0.isLetter }
            guard let mark = words.first(where: { $0 == "TODO" || $0 == "FIXME" || $0 == "XXX" }) else { return nil }
            return Finding(file: file.path, line: index + 1, reason: "\(mark) in a comment")
        }
    }

    /// Every declaration marked public has a documentation comment, above its attributes.
    static func documentation(_ file: SourceFile) -> [Finding] {
        let lines = file.lines
        return lines.indices.compactMap { index in
            guard let declaration = publicDeclaration(lines[index].code) else { return nil }
            let above = lines[..<index].reversed().drop { line in
                let code = line.code.drop { $0.isWhitespace }
                return code.hasPrefix("@") || code.hasPrefix("#if") || code.hasPrefix("#else")
            }
            let isDocumented = above.first.map { $0.isOnlyComment && $0.comment.hasPrefix("///") } ?? false
            return isDocumented
                ? nil : Finding(file: file.path, line: index + 1, reason: "no documentation: \(declaration)")
        }
    }

    /// The declaration's words when the line declares something public; nil for imports, extensions and setters.
    private static func publicDeclaration(_ code: String) -> String? {
        var words = code.split { $0.isWhitespace }[...]
        while let word = words.first, word.hasPrefix("@") { words = words.dropFirst() }
        guard let first = words.first, first == "public" || first == "open" else { return nil }
        if words.contains("import") || words.contains("extension") || words.contains("override") { return nil }
        return words.prefix(4).joined(separator: " ")
    }

    /// A type named for what it is, not for being useful.
    static func names(_ file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        for (index, line) in file.lines.enumerated() {
            let words = line.code.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            for (keyword, name) in zip(words, words.dropFirst()) where typeKeywords.contains(String(keyword)) {
                guard let ending = emptyEndings.first(where: { name.hasSuffix($0) }) else { continue }
                findings.append(Finding(file: file.path, line: index + 1, reason: "\(name) ends in \(ending)"))
            }
        }
        let stem = file.path.split(separator: "/").last.map { $0.prefix { $0 != "." } } ?? ""
        if let ending = emptyEndings.first(where: { stem.hasSuffix($0) }) {
            findings.append(Finding(file: file.path, line: 0, reason: "its name ends in \(ending)"))
        }
        return findings
    }

    private static let typeKeywords: Set = ["struct", "class", "enum", "actor", "protocol", "typealias"]
    private static let emptyEndings = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utilities"]
}
