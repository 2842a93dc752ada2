internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// A reader that was written from docs/FORMAT.md alone says the same of a segment.
@Suite(.serialized, .timed) struct `The format of a segment` {
    private static let here = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined()

    private func read(_ bytes: [UInt8], in root: String) throws -> Tool.Ending {
        try Data(bytes).write(to: URL(filePath: root + "/segment"))
        return try Tool.run(
            [Self.here + "/segment.py", Self.here + "/../MetastorePropertyTests", root + "/segment"],
            program: "/usr/bin/python3", environment: ["PYTHONDONTWRITEBYTECODE": "1"])
    }

    private func text(_ segment: Segment) -> String {
        var lines = segment.records.map { record in
            let link = DocumentHash(bytes: record.chain)?.description ?? ""
            return "\(record.revision) \(record.time.microseconds) \(record.actor) \(record.kinds.rawValue) "
                + "\(record.body.count) \(link)"
        }
        for (kind, sum) in segment.footer.digests.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let digits = String(sum, radix: 16)
            lines.append("digest \(kind.rawValue) " + String(repeating: "0", count: 32 - digits.count) + digits)
        }
        return lines.joined(separator: "\n")
    }

    @Test func `is told by its document well enough to read it elsewhere`() async throws {
        var random = Seeded("format of segments")
        let history = try await History.make(&random, entries: 30, largest: 2_000)
        try await withScratch { root in
            for _ in 0..<5 {
                let segment = history.segment(history.stretch(&random, most: 40))
                // The slow reader takes no 8 MiB.
                guard segment.bytes.count < 1 << 20 else { continue }
                let ending = try read(segment.bytes, in: root)
                #expect(ending.code == 0, "\(ending.output.suffix(200)) \(ending.errors)")
                #expect(ending.lines.dropFirst().joined(separator: "\n") == text(segment))
                #expect(ending.lines.first?.contains("epoch=\(segment.header.epoch)") == true)
            }
        }
    }

    @Test func `is checked by the other reader, which notices a flipped bit`() async throws {
        var random = Seeded("flipped bits")
        let history = try await History.make(&random, entries: 5, largest: 200)
        let bytes = history.segment(history.records.count - 5..<history.records.count).bytes
        try await withScratch { root in
            let whole = try read(bytes, in: root)
            #expect(whole.code == 0)
            for _ in 0..<10 {
                var damaged = bytes
                damaged[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
                let ending = try read(damaged, in: root)
                #expect(ending.code != 0)
            }
        }
    }
}
