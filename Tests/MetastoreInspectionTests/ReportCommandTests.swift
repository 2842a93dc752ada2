internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `The command report` {
    /// What it says on both streams; its status last.
    private func inspect(_ words: String) throws -> [String] {
        let program = CrashProcess.directory + "/metastore-inspect"
        return try output(["sh", "-c", "\(program) \(words) 2>&1; echo status $?"])
    }

    @Test func `writes the page to the output, or into a file of its own`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            let page = try Inspection.page(path)
            let before = try Traces(root, aging: true)
            #expect(
                try inspect("\(path) report > /dev/stdout") == page.split(separator: "\n").map(String.init) + [
                    "status 0"
                ])
            #expect(try before.again() == before)
            let file = root + "/report.html"
            let told = try inspect("\(path) report --to \(file)")
            #expect(told.first?.hasPrefix("wrote \(file)") == true && told.last == "status 0")
            #expect(String(decoding: try contents(file), as: UTF8.self) == page)
            var status = stat()
            #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600 && status.st_nlink == 1)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: root).filter { $0.contains("unfinished") } == [])
        }
    }

    @Test func `never writes over a file, unless it is told to`() async throws {
        try await withScratch { root in
            let (path, file) = (root + "/metastore.db", root + "/report.html")
            try await BusyStore.make(path)
            try write(Array("mine".utf8), to: file)
            let refused = try inspect("\(path) report --to \(file)")
            #expect(refused.last == "status 73" && refused.first?.contains("is there already") == true)
            #expect(String(decoding: try contents(file), as: UTF8.self) == "mine")
            #expect(try inspect("\(path) report --to \(file) --force").last == "status 0")
            #expect(String(decoding: try contents(file), as: UTF8.self).hasPrefix("<!DOCTYPE html>"))
            // Somebody made one after it was looked for.
            let late = try NewFile(root + "/late.html", isForced: false)
            try write(Array("mine".utf8), to: late.path)
            #expect(throws: CommandFailure.self) { try late.write("page") }
            #expect(String(decoding: try contents(late.path), as: UTF8.self) == "mine")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: root).filter { $0.contains("unfinished") } == [])
            // Where nothing can be made nothing is left.
            #expect(try inspect("\(path) report --to \(root)/none/report.html").last == "status 73")
            #expect(try inspect("\(path) report --force").last == "status 64")
            #expect(try inspect("\(path) report -o json").last == "status 64")
        }
    }

    @Test func `is not for a terminal`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            let program = CrashProcess.directory + "/metastore-inspect"
            let told = try output(["script", "-qec", "\(program) \(path) report; echo status $?", "/dev/null"])
            #expect(told.contains { $0.contains("no text for a terminal") && $0.contains("--to report.html") })
            #expect(told.contains { $0.contains("status 64") } && !told.contains { $0.contains("<html") })
        }
    }

    @Test func `shows the past`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            let page = try inspect("\(path) report --at 10 --quiet").joined(separator: "\n")
            #expect(page.contains("as of revision 10") && page.hasSuffix("status 0"))
            // At its own time: else its log would be too old to keep.
            var options = StoreOptions()
            options.time = ManualTime(seed: 11).source
            let store = try await Metastore.open(.sqlite(path), options)
            let live = try inspect("\(path) report --at 10 --quiet").joined(separator: "\n")
            #expect(live.contains("as of revision 10") && live.contains("In use") && live.hasSuffix("status 0"))
            await store.close()
        }
    }
}
