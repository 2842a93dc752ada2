internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `A copy killed at any moment` {
    /// Run again until it ends, and killed again on the way; whatever it left behind is no store, or all of it.
    @Test(arguments: Way.allCases)
    func `is finished by the next run`(_ way: Way) async throws {
        let from = try Place(way.from)
        try await FullStore.make(in: from, more: 600)
        let expected = try from.tables()
        var random = Scale.random(way.from == way.to ? 7 : 8)
        let span = try Self.duration(from)
        var (kills, beginnings) = (0, [:] as [String: Int])
        for _ in 0..<Scale.of(20) {
            let to = try Place(way.to)
            // Several kills on the way of one copy.
            for _ in 0..<3 {
                let process = try CrashProcess("serve")
                process.send("copy \(from.name) \(to.name) 20")
                usleep(UInt32.random(in: 0...span, using: &random))
                process.kill()
                kills += 1
                for line in try process.rest() where line.hasPrefix("error") { Issue.record("\(line)") }
                if let kind = try await Self.look(to) { beginnings["left \(kind)", default: 0] += 1 }
            }
            let report = try await StoreCopy(from: from.source, to: to.source).run()
            beginnings["\(report.beginning)".prefix { $0 != "(" }.description, default: 0] += 1
            #expect(try to.tables() == expected)
            _ = try await contents(to.source)
        }
        print("\(way): \(kills) kills; \(beginnings.inWords)")
    }

    /// How long a copy takes, about.
    private static func duration(_ from: Place) throws -> UInt32 {
        let (to, process) = (try Place(.file), try CrashProcess("serve"))
        let began = ContinuousClock.now
        let answer = try process.ask("copy \(from.name) \(to.name) 20", within: 60)
        #expect(answer.hasPrefix("ok"), "\(answer)")
        return UInt32((ContinuousClock.now - began).inMilliseconds) * 1_000
    }

    /// Never half: nothing, an unfinished copy that says so, or all of it.
    private static func look(_ place: Place) async throws -> String? {
        do {
            var options = StoreOptions()
            options.engine.isReadOnly = true
            let store = try await Metastore.open(place.source, options)
            let report = try await store.verify()
            #expect(report.isClean, "\(report)")
            await store.close()
            return "a store"
        } catch let error as StoreError {
            switch error {
            case .unfinishedCopy: return "an unfinished copy"
            case .unusable(_, let reason):
                #expect(reason.contains("no store here"), "\(reason)")
                return "nothing"
            default:
                Issue.record("\(error)")
                return nil
            }
        }
    }
}
