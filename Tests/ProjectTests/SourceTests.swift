import Testing

@Suite struct `The sources` {
    private let shipped = SourceFile.all(in: "Sources", "Migrations", "tools")

    @Test func `are found`() {
        #expect(shipped.count > 50)
        #expect(SourceFile.all.contains { $0.path == "Package.swift" })
    }

    @Test(arguments: [".swift", ".sql", ".c", ".h"])
    func `have short files and short lines`(_ ending: String) {
        // What a program wrote, whole, as tests compare it.
        let files = PackageTree.files.filter { $0.hasSuffix(ending) && !$0.contains("/Fixtures/") }
        let found = files.flatMap { SourceRules.length($0, PackageTree.text($0) ?? "") }
        found.expectNone()
    }

    @Test func `say why wherever a check of the compiler is switched off`() {
        let found = shipped.flatMap(SourceRules.reasons)
        found.expectNone()
    }

    @Test func `leave nothing for later`() {
        let found = SourceFile.all.flatMap(SourceRules.openEnds)
        found.expectNone()
    }

    @Test func `document every public declaration`() {
        let found = SourceFile.all(in: "Sources", "Migrations").flatMap(SourceRules.documentation)
        found.expectNone()
    }

    @Test func `name types for what they are`() {
        let found = SourceFile.all.flatMap(SourceRules.names)
        found.expectNone()
    }
}

/// Each rule sees what it is there to see.
@Suite struct `A rule for sources` {
    @Test func `reads strings and comments for what they are`() {
        let text = ##"""
            let a = "// \(f("x")) no" // yes
            let b = #"say "\n" \#(c) /* "#; /* one /* two */
            three */ let d = """
                try! // text
                """ + e
            """##
        let lines = SwiftLines.split(text)
        #expect(lines.map(\.comment) == ["// yes", "/* one /* two */", "three */", "", ""])
        #expect(lines[0].code == #"let a = "(f(""))" "#)
        #expect(lines[1].code == ##"let b = #"(c)"#; "##)
        #expect(lines[2].code == #" let d = """"#)
        #expect(lines[3].code == "")
        #expect(lines[4].code == #"""" + e"#)
    }

    @Test func `counts lines and columns`() {
        let long = String(repeating: "x\n", count: 401)
        #expect(SourceRules.length("a.swift", long).count == 1)
        #expect(SourceRules.length("a.sql", long).isEmpty)
        #expect(SourceRules.length("a.swift", String(long.dropLast(2))).isEmpty)
        #expect(SourceRules.length("a.swift", "\n" + String(repeating: "x", count: 121)).map(\.line) == [2])
    }

    @Test func `asks for a reason`() {
        let text = """
            /// A queue.
            final class A: @unchecked Sendable {}
            /// `@unchecked Sendable`: every access holds the lock.
            final class B: @unchecked Sendable {}
            let c = try! d()
            // The text is a literal.
            let e = try! f()
            let g = try! h()  // A literal, too.
            let i = "try!"
            """
        #expect(SourceRules.reasons(SourceFile("a.swift", text)).map(\.line) == [2, 5])
    }

    @Test func `finds open ends in comments only`() {
        let mark = "TO" + "DO"
        #expect(SourceRules.openEnds(SourceFile("a.swift", "// \(mark): later\nlet \(mark) = 1")).map(\.line) == [1])
    }

    @Test func `asks for documentation`() {
        let text = """
            public import Glibc
            // A remark.
            public struct A {
                /// One.
                @inlinable
                public var b: Int
                public private(set) var c: Int
                @frozen public enum D {}
            }
            public extension A {
                func e() {}
            }
            """
        #expect(SourceRules.documentation(SourceFile("a.swift", text)).map(\.line) == [3, 7, 8])
    }

    @Test func `finds empty names`() {
        let ending = "Man" + "ager"
        #expect(SourceRules.names(SourceFile("a.swift", "final class Lock\(ending)<T>: X {}")).map(\.line) == [1])
        #expect(SourceRules.names(SourceFile("Lock\(ending).swift", "")).map(\.line) == [0])
        #expect(SourceRules.names(SourceFile("a.swift", "struct \(ending)ial {}")).isEmpty)
    }
}
