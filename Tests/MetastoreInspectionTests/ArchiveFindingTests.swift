internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreReplicationCommands
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `An archive is found` {
    private func ask(_ path: String, cluster: String? = nil) -> Asked {
        var options = InspectOptions(archive: path)
        options.cluster = cluster
        return Asked(options, showing: { try $0.list(RecordQuery(.experiment), limit: nil) })
    }

    @Test func `by its folder, its cluster's folder, or a mount point above`() async throws {
        try await ArchivedStore.with { rig in
            let cluster = try #require(try FileManager.default.contentsOfDirectory(atPath: rig.folder).first)
            let found = StoreFinder.find(at: rig.folder)
            guard case .archive(let archive) = found else { throw Failure("\(found)") }
            #expect(archive.cluster == cluster && archive.root == rig.folder)
            let expected = ask(rig.folder)
            #expect(expected.status == .success, expected.reason)
            let above = rig.root + "/volume"
            try run("mkdir", "-p", above + "/some/where")
            try run("cp", "-r", rig.folder, above + "/some/where/archive")
            symlink(rig.folder, rig.root + "/link")
            for place in [
                rig.folder + "/", rig.folder + "/" + cluster, rig.folder + "/\(cluster)/", rig.root + "/link",
                rig.root + "/link/\(cluster)",
            ] {
                #expect(Content.plain(ask(place).output) == Content.plain(expected.output), "\(place)")
            }
            let copied = ask(above)
            #expect(copied.status == .success && copied.errors.contains("\(above)/some/where/archive/\(cluster)"))
            // Where a store lies, too, that is what is meant, unless somebody says otherwise.
            #expect(StoreFinder.find(at: rig.root) == .database(path: rig.path))
            #expect(ask(rig.root + "/archive", cluster: cluster.uppercased()).output == expected.output)
            let twice = ask(rig.root, cluster: cluster)
            #expect(twice.failure?.description.contains("there are 2 archives in") == true, twice.reason)
        }
    }

    @Test func `of several clusters none is taken without being told`() async throws {
        try await ArchivedStore.with { rig in
            do {
                let other = ArchivedStore(root: rig.root + "/other")
                try run("mkdir", "-p", other.folder)
                try await other.commit(2)
                try await other.ship()
                try run("cp", "-r", other.folder + "/.", rig.folder)
                let names = try FileManager.default.contentsOfDirectory(atPath: rig.folder).sorted()
                #expect(names.count == 2)
                let asked = ask(rig.folder)
                #expect(asked.status == .missing)
                for name in names {
                    #expect(asked.failure?.description.contains("\(rig.folder)/\(name)") == true)
                    #expect(ask(rig.folder, cluster: name).status == .success)
                    #expect(ask(rig.folder + "/" + name).status == .success)
                }
                let unknown = ask(rig.folder, cluster: "01a2024a-7d85-7c14-bef2-53cf2ab94fd0")
                #expect(unknown.status == .missing && unknown.failure?.description.contains(names[0]) == true)
            }
        }
    }

    @Test func `nowhere else, and it is said what was looked for`() async throws {
        try await withScratch { root in
            let cluster = "01a2024a-7d85-7c14-bef2-53cf2ab94fd0"
            for (name, made) in [
                ("empty", []), ("cluster", [cluster]), ("other", ["log", "snapshots"]),
                ("named", [cluster + "/photos"]), ("upper", [cluster.uppercased() + "/log"]),
            ] {
                let folder = root + "/" + name
                try run("mkdir", "-p", folder)
                for inner in made { try run("mkdir", "-p", folder + "/" + inner) }
                try write(Array("no archive".utf8), to: folder + "/notes.txt")
                let asked = ask(folder)
                #expect(asked.status == .missing, "\(name)")
                for word in ["no database file", "no PostgreSQL", "no archive", "beginning", "log"] {
                    #expect(asked.failure?.description.contains(word) == true, "\(name)")
                }
            }
            // It has an archive's shape, and nothing in it.
            try run("mkdir", "-p", root + "/hollow/\(cluster)/log")
            let hollow = ask(root + "/hollow")
            #expect(hollow.status == .missing)
            #expect(hollow.failure?.description.contains("neither a segment nor a snapshot") == true, hollow.reason)
        }
    }

    /// A volume with an archive of a million objects: they are not what the search spends itself on.
    @Test func `without looking at its objects`() async throws {
        try await ArchivedStore.with { rig in
            #expect(try rig.objects().count > 6)
            guard case .archive = StoreFinder.find(at: rig.folder, entries: 1) else { throw Failure("not found") }
        }
    }
}
