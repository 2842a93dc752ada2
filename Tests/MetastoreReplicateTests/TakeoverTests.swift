internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplicationCommands
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A follower, or a copy, that is to go on in the place of a master.
@Suite(.serialized, .timed) struct `A takeover by a command` {
    private func run(_ words: String...) throws -> Tool.Ending { try Tool.run(words, program: Tool.replicate) }

    @Test func `adopts a copy when told to, and begins nothing where there is nothing to adopt`() async throws {
        try await Rig.with { rig in
            let copy = rig.root + "/copied.db"
            try FileManager.default.copyItem(atPath: rig.store.description, toPath: copy)
            await #expect(throws: StoreError.copied(place: copy)) { try await Metastore.open(.sqlite(copy)) }
            let asked = try run("adopt", copy)
            #expect(asked.code == 64, "\(asked.errors)")
            let dry = try run("adopt", copy, "--dry-run")
            #expect(dry.code == 0 && dry.output.contains("it is a copy now"), "\(dry.output)\(dry.errors)")
            await #expect(throws: StoreError.copied(place: copy)) { try await Metastore.open(.sqlite(copy)) }
            let promoted = try run("promote", copy, "--yes")
            #expect(promoted.code == 77 && promoted.errors.contains("adopt"), "\(promoted.errors)")
            let adopted = try run("adopt", copy, "--yes", "-o", "json")
            #expect(adopted.code == 0, "\(adopted.errors)")
            #expect(try JSONObject(parsing: adopted.output)["was"]?.string == "copy")
            let store = try await Metastore.open(.sqlite(copy))
            try await store.keyValue.put("adopted/yes", "v")
            #expect("\(store.position)".hasPrefix(try #require(JSONObject(parsing: adopted.output)["cluster"]?.string)))
            await store.close()
            for place in [copy, rig.store.description] {
                let again = try run("adopt", place, "--yes")
                #expect(again.code == 0 && again.output.contains("nothing was to be done"), "\(again.output)")
            }
        }
    }

    @Test func `promotes a follower, whose leader the archive then refuses`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            let replica = try rig.place("follower")
            _ = try await rig.follow(into: replica)
            await #expect(throws: StoreError.self) { try await Metastore.open(try rig.source(replica)) }
            let promoted = try run("promote", replica.description, "--archive", rig.folder, "--yes", "-o", "json")
            #expect(promoted.code == 0, "\(promoted.errors)")
            let answer = try JSONObject(parsing: promoted.output)
            #expect(answer["was"]?.string == "follower" && answer["archive"]?.string == rig.folder)
            let store = try await Metastore.open(try rig.source(replica))
            try await store.keyValue.put("promoted/yes", "v")
            await store.close()
            let leader = try await Metastore.open(try rig.source(rig.store))
            try await leader.keyValue.put("left/behind", "v")
            await leader.close()
            let fenced = try run("archive", "--store", rig.store.description, "--to", rig.folder, "--once")
            #expect(fenced.code == 1, "\(fenced.output)\(fenced.errors)")
            let again = try run("promote", replica.description, "--yes")
            #expect(again.code == 0 && again.output.contains("nothing was to be done"), "\(again.output)")
        }
    }
}
