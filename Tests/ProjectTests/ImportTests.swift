import Testing

@Suite struct `A target` {
    @Test func `imports only what its row of the table allows`() {
        var findings: [Finding] = []
        for rule in ImportRule.all {
            for file in SourceFile.all(in: rule.folder) { findings += rule.findings(file) }
        }
        findings.expectNone()
    }

    @Test(arguments: ["Sources", "tools"])
    func `has a row in the table`(_ parent: String) {
        let known = Set(ImportRule.all.map(\.folder))
        for folder in PackageTree.folders(in: parent) {
            if SourceFile.all(in: "\(parent)/\(folder)").isEmpty { continue }
            #expect(known.contains("\(parent)/\(folder)"), "\(parent)/\(folder) has no row in ImportRule.all")
        }
    }

    @Test func `is found out when it imports too much`() {
        let text = """
            @testable import Metastore
            internal import struct MetastoreSQLite.Row
            // import Foundation
            let text = "import Glibc"
            #if os(Linux)
                public import NIOCore
            #endif
            """
        let file = SourceFile("a.swift", text)
        #expect(ImportRule.imports(file.lines).map(\.module) == ["Metastore", "MetastoreSQLite", "NIOCore"])
        let rule = ImportRule("Sources/Example", ["Metastore"])
        #expect(rule.findings(file).map(\.line) == [2, 6])
    }
}
