import Testing

@Suite struct `A document` {
    private static let folders: Set = ["Sources", "Tests", "Migrations", "tools", "docs", ".ci"]

    @Test func `names only paths that exist`() {
        let names = Set(PackageTree.files.map { String($0.split(separator: "/").last ?? "") })
        let findings = Document.all.flatMap {
            $0.missingPaths(folders: Self.folders, names: names, exists: PackageTree.exists)
        }
        findings.expectNone()
    }

    /// The files of Tests/ReadmeTests are compiled and run, so an example that stands in one of them works.
    @Test(.enabled(if: PackageTree.exists("README.md"), "there is no README.md yet"))
    func `shows only code that a test compiles`() throws {
        let readme = try #require(Document.all.first { $0.path == "README.md" })
        let compiled = SourceFile.all(in: "Tests/ReadmeTests").map { Self.dense($0.text) }
        let blocks = readme.blocks(of: "swift")
        #expect(!blocks.isEmpty, "README.md shows no example")
        for block in blocks {
            #expect(
                compiled.contains { $0.contains(Self.dense(block.text)) },
                "the Swift code after line \(block.line) of README.md stands in no file of Tests/ReadmeTests")
        }
    }

    /// Text without its white space: where the formatter breaks a line depends on the indentation.
    private static func dense(_ text: String) -> String { text.filter { !$0.isWhitespace } }

    @Test func `is read as people read it`() {
        let text = """
            See `Sources/A/B.swift`, `Sources/C/`, `tools/test --full`, `tools/gone`, `Kept.swift` and `Lost.swift`;
            not `a/b`, `metastore.db`, `Sources/*.swift`. [One](docs/a.md#part), [two](b.md), [web](https://swift.org).
            ```swift
            let a = 1
              let b = 2
            ```
            ```sh
            swift test
            ```
            """
        let document = Document("README.md", text)
        let there: Set = ["Sources/A/B.swift", "tools/test", "docs/a.md"]
        let missing = document.missingPaths(folders: Self.folders, names: ["Kept.swift"], exists: there.contains)
        #expect(
            missing.map(\.reason)
                == ["Sources/C/", "tools/gone", "Lost.swift", "b.md"].map {
                    "names \($0), which isn't there"
                })
        #expect(document.blocks(of: "swift").map(\.text) == ["let a = 1\n  let b = 2"])
        #expect(Document.resolve("../tools/./test", from: "docs/a.md") == "tools/test")
    }
}
