internal import MetastoreReplication
internal import Testing

@Suite struct `The name of an object in an archive` {
    @Test(arguments: ["a", "epochs/2", "log/0000000000000002/00000000000000000001", "a-b/c.d/e"])
    func `is words with slashes between`(_ text: String) {
        #expect(ArchiveName(text)?.description == text)
    }

    @Test(arguments: [
        "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", ".hidden", "a.", "A", "a b", "a\u{0}b", "ä", "a\\b", "a:b",
    ])
    func `leads nowhere else`(_ text: String) {
        #expect(ArchiveName(text) == nil)
    }

    @Test func `has a bound`() {
        #expect(ArchiveName(String(repeating: "a", count: 200)) != nil)
        #expect(ArchiveName(String(repeating: "a", count: 201)) == nil)
    }
}
