internal import FoundationEssentials
internal import Glibc
package import Testing

/// A text that something is compared with, whole: a file of the folder `Expected` beside its tests.
///
/// `METASTORE_TEST_RENEW=1` writes the file anew.
package struct ExpectedText {
    private let path: String

    /// - Parameter test: the file whose folder has the folder `Expected`; the caller's unless given.
    package init(_ name: String, beside test: String = #filePath) {
        path = test.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Expected/" + name
    }

    /// What the file holds; nothing where there is none.
    package var text: String { String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self) }

    /// Compares, and names the first line that differs.
    package func compare(_ found: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        if getenv("METASTORE_TEST_RENEW") != nil { try Data(found.utf8).write(to: URL(filePath: path)) }
        let expected = text
        #expect(found == expected, "\(Self.difference(found, expected))", sourceLocation: sourceLocation)
    }

    private static func difference(_ found: String, _ expected: String) -> String {
        let pairs = zip(
            found.split(separator: "\n", omittingEmptySubsequences: false),
            expected.split(separator: "\n", omittingEmptySubsequences: false))
        return pairs.first { $0 != $1 }.map { "found \($0), expected \($1)" } ?? "one is longer"
    }

    /// The members of all objects in a text of answers that a document of the package doesn't name, and how many
    /// members there are.
    package static func undocumented(
        _ text: String, in document: String, of test: String = #filePath
    ) -> (members: Set<String>, of: Int) {
        let root = test.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let page = FileManager.default.contents(atPath: "\(root)/docs/\(document)") ?? Data()
        let described = String(decoding: page, as: UTF8.self)
        let members = Set(text.matches(of: /"([A-Za-z]+)" ?:/).map { String($0.1) })
        return (members.filter { !described.contains("`\($0)`") }, members.count)
    }
}
