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

    /// As on the volume of a whole system, where other programs keep databases, too.
    @Test func `another program's database is not taken for the master's`() async throws {
        try await withScratch { root in
            let path = root + "/var/lib/master/metastore.db"
            try await SmallStore.make(path)
            for other in ["/aaa.db", "/var/lib/other/zzz.db"] {
                try FileManager.default.createDirectory(
                    atPath: root + "/var/lib/other", withIntermediateDirectories: true)
                try write(contents(path), to: root + other)
            }
            #expect(StoreFinder.find(at: root) == .database(path: path))
        }
    }

    @Test func `what lies higher is found whatever lies deeper; a search that ended early says so`() async throws {
        try await withScratch { root in
            for number in 0..<40 {
                let deep = root + "/aaa/\(number)/deep"
                try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
                try write([1], to: deep + "/file")
            }
            #expect(StoreFinder.find(at: root, entries: 50) == .tooMany(entries: 50))
            let path = root + "/zzz/metastore.db"
            try await SmallStore.make(path)
            #expect(StoreFinder.find(at: root, entries: 50) == .database(path: path))
        }
    }

    /// The master's note tells whose it is, though its last sector is gone.
    @Test func `a database that was cut short is found`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await SmallStore.make(path)
            try write(contents(path).dropLast(100).map { $0 }, to: path)
            #expect(StoreFinder.find(at: root) == .database(path: path))
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
