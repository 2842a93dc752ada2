internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreInspection
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized) struct `Finding a store on a volume` {
    @Test func `a path is taken as it is, and a directory is searched`() async throws {
        try await withScratch { root in
            #expect(StoreFinder.find(at: root + "/none") == .nothing)
            #expect(StoreFinder.find(at: root) == .nothing)
            let path = root + "/var/lib/master/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            #expect(StoreFinder.find(at: path) == .database(path: path))
            #expect(StoreFinder.find(at: root) == .database(path: path))
            #expect(StoreFinder.find(at: path + ".lock") == .otherFile(path: path + ".lock"))
        }
    }

    @Test func `of several nobody chooses but the reader; what a rehearsal left is none of them`() async throws {
        try await withScratch { root in
            try await FullStore.make(in: .sqlite(root + "/metastore.db"))
            try await FullStore.make(in: .sqlite(root + "/metastore.rehearsal.db"))
            #expect(StoreFinder.find(at: root) == .database(path: root + "/metastore.db"))
            try await FullStore.make(in: .sqlite(root + "/other.db"))
            #expect(StoreFinder.find(at: root) == .several(paths: [root + "/metastore.db", root + "/other.db"]))
        }
    }
}

/// A directory of its own, gone afterwards.
func withScratch(_ body: (String) async throws -> Void) async throws {
    var template = Array("/var/tmp/metastore-inspect-XXXXXX".utf8CString)
    let root = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer { try? FileManager.default.removeItem(atPath: root) }
    try await body(root)
}
