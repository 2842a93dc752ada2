/// What a document promises about the package, and a scanner can check.
struct Document {
    /// Relative to the package.
    let path: String
    let lines: [Substring]

    init(_ path: String, _ text: String) {
        self.path = path
        lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    }

    static let all: [Document] = PackageTree.files
        .filter { $0.hasSuffix(".md") && ($0.hasPrefix("docs/") || !$0.contains("/")) }
        .map { Document($0, PackageTree.text($0) ?? "") }

    /// The blocks fenced as `language`, with the line they begin after.
    func blocks(of language: String) -> [(line: Int, text: String)] {
        var found: [(Int, String)] = []
        var open: (line: Int, isWanted: Bool, text: [Substring])?
        for (index, line) in lines.enumerated() {
            let trimmed = line.drop { $0 == " " }
            guard trimmed.hasPrefix("```") else {
                open?.text.append(line)
                continue
            }
            if let block = open {
                if block.isWanted { found.append((block.line, block.text.joined(separator: "\n"))) }
                open = nil
            } else {
                open = (index + 1, trimmed.dropFirst(3).prefix { !$0.isWhitespace } == language[...], [])
            }
        }
        return found
    }

    /// Paths it names in backticks or links to, that aren't there.
    ///
    /// - Parameters:
    ///   - folders: the names at the package's top: what begins with one of them is a path.
    ///   - exists: whether a path relative to the package is there.
    ///   - names: the names of all files: a name alone stands for a file anywhere.
    func missingPaths(folders: Set<String>, names: Set<String>, exists: (String) -> Bool) -> [Finding] {
        var findings: [Finding] = []
        func missing(_ path: some StringProtocol, _ index: Int) {
            findings.append(Finding(file: self.path, line: index + 1, reason: "names \(path), which isn't there"))
        }
        for (index, line) in lines.enumerated() {
            for span in Self.parts(of: line, between: "`", and: "`") {
                for word in span.split(whereSeparator: { $0.isWhitespace }) {
                    let name = word.hasPrefix("./") ? word.dropFirst(2) : word
                    let parts = name.split(separator: "/", omittingEmptySubsequences: true)
                    if parts.count > 1 || name.hasSuffix("/"), folders.contains(String(parts.first ?? "")) {
                        if !Self.isPattern(name), !exists(parts.joined(separator: "/")) { missing(name, index) }
                    } else if parts.count == 1, Self.looksLikeFile(name), !names.contains(String(name)) {
                        missing(name, index)
                    }
                }
            }
            for target in Self.parts(of: line, between: "](", and: ")") {
                let file = target.prefix { $0 != "#" }
                if file.isEmpty || file.contains(":") { continue }
                if !exists(Self.resolve(String(file), from: path)) { missing(file, index) }
            }
        }
        return findings
    }

    /// `docs/a.md` and `../b` make `b`.
    static func resolve(_ target: String, from document: String) -> String {
        var parts = document.split(separator: "/").dropLast().map(String.init)
        for part in target.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts.joined(separator: "/")
    }

    private static func isPattern(_ name: Substring) -> Bool { name.contains { "*<>{}…".contains($0) } }

    /// A source or a document; what a program writes (`metastore.db`) is no part of the package.
    private static func looksLikeFile(_ name: Substring) -> Bool {
        !isPattern(name) && [".swift", ".md", ".sql", ".c"].contains { name.hasSuffix($0) && name != $0[...] }
    }

    private static func parts(of line: Substring, between start: String, and end: Character) -> [Substring] {
        var found: [Substring] = []
        var rest = line
        while let opening = rest.firstRange(of: start) {
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstIndex(of: end) else { break }
            found.append(rest[..<closing])
            rest = rest[rest.index(after: closing)...]
        }
        return found
    }
}
