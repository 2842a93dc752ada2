internal import FaultSupport
internal import FoundationEssentials
internal import FuzzTargets
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// Bytes of objects that are there, struck in every way. `tools/fuzz` tries the same with coverage.
@Suite(.serialized, .timed) struct `A decoder` {
    /// Real bytes for each, and the manifest of the part among them.
    private struct Seeds {
        var bytes: [FuzzTarget: [[UInt8]]] = [:]
        var manifest: SnapshotManifest

        static func make() async throws -> Seeds {
            var made: Seeds?
            try await withArchivedStore(Way(from: .disk, to: .disk), bound: 2_000, name: "seeds") { store, _ in
                try await Labels(store.line).add("here", at: store.snapshots[0].id.revision, text: "a label")
                let target = store.line.target
                let plan = try await Retention(store.line).plan(
                    ArchiveRetention(snapshots: 1), now: Timestamp(microseconds: .max / 2))
                let start = try #require(plan.start)
                let ranges = try await Merging(store.line).plan().groups.map(\.range)
                let merge = MergeRecord(number: 1, cluster: store.line.cluster, ranges: ranges)
                let id = store.snapshots[1].id
                let manifest = try #require(try await store.line.manifest(id))
                var seeds = Seeds(manifest: manifest)
                for name in try await names(store.line) {
                    let text = name.description
                    guard let bytes = try await target.read(name, limit: .max), bytes.count < 200_000 else { continue }
                    if text.contains("/log/") {
                        let isSegment = bytes.starts(with: "MSSG".utf8)
                        seeds.bytes[isSegment ? .segment : .epoch, default: []].append(bytes)
                    } else if text.hasSuffix("/beginning") {
                        seeds.bytes[.epoch, default: []].append(bytes)
                    } else if text.contains("/labels/") {
                        seeds.bytes[.label, default: []].append(bytes)
                    } else if text.hasSuffix("/portable") {
                        seeds.bytes[.manifest, default: []].append(bytes)
                    }
                }
                seeds.bytes[.kept] = [start.bytes]
                seeds.bytes[.merge] = [merge.bytes]
                let part = try await store.line.part(0, of: manifest)
                seeds.bytes[.part] = [part.bytes]
                seeds.bytes[.rows] = [part.content]
                seeds.bytes[.frames] = seeds.bytes[.segment]?.prefix(3).map { bytes in
                    withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
                }
                let opened = try await Metastore.open(store.source)
                seeds.bytes[.snapshot] = [try await SentFrames(of: opened).frames.bytes]
                await opened.close()
                seeds.bytes[.record] = store.records.prefix(40).map(\.body)
                made = seeds
            }
            return try #require(made)
        }

        /// For a fuzzer: a folder for each decoder, and the manifest.
        func write(to folder: String) throws {
            for (target, all) in bytes {
                let own = folder + "/" + target.rawValue
                try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
                for (number, bytes) in all.enumerated() {
                    try Data(bytes).write(to: URL(fileURLWithPath: own + "/\(number)"))
                }
            }
            try Data(manifest.bytes).write(to: URL(fileURLWithPath: folder + "/of-parts"))
        }
    }

    @Test func `takes no damaged bytes, and none that lie, without saying so`() async throws {
        let seeds = try await Seeds.make()
        if let folder = getenv("METASTORE_FUZZ_SEEDS") { try seeds.write(to: String(cString: folder)) }
        var random = Seeded("decoders")
        for target in FuzzTarget.allCases {
            let all = try #require(seeds.bytes[target], "\(target)")
            for bytes in all {
                let error = target.read(bytes, of: seeds.manifest)
                #expect(error == nil, "\(target): \(String(describing: error))")
            }
            // Rows and records have no checksum of their own: the part's, and the chain, are around them.
            let isSealed = target != .rows && target != .record
            for _ in 0..<Seeded.count(2_000, least: 100) {
                let bytes = try #require(all.randomElement(using: &random))
                let other = try #require(all.randomElement(using: &random))
                let damage = try #require(ObjectDamage.allCases.randomElement(using: &random))
                let struck = damage.strike(bytes, other, &random)
                let error = target.read(struck, of: seeds.manifest)
                guard isSealed, error == nil else { continue }
                // Whole frames may be left out, or be there twice.
                #expect(target == .frames || all.contains(struck), "\(target) took \(damage)")
            }
        }
    }
}
