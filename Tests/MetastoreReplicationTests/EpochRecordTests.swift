internal import FoundationEssentials
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

@Suite struct `The record of an epoch` {
    private func record(_ random: inout Seeded) -> EpochRecord {
        let number = Int64.random(in: 2...(.max), using: &random)
        let parent = Epoch(number: Int64.random(in: 1..<number, using: &random), nonce: random.next())
        return EpochRecord(
            cluster: random.uuid(), epoch: Epoch(number: number, nonce: random.next()),
            parent: Bool.random(using: &random) ? parent : nil,
            fork: Revision(rawValue: Int64.random(in: 0...(.max), using: &random)),
            chain: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) },
            holder: String(repeating: "é", count: Int.random(in: 0...127, using: &random)),
            time: Timestamp(microseconds: Int64(bitPattern: random.next())))
    }

    @Test func `gives back what was put into it`() throws {
        var random = Seeded("epochs")
        for _ in 0..<1_000 {
            let one = record(&random)
            #expect(try EpochRecord(one.bytes, named: "epoch") == one)
        }
    }

    @Test func `that was damaged is refused, by name and byte`() throws {
        var random = Seeded("damaged epochs")
        for number in 0..<Seeded.count(2_000, least: 500) {
            let (bytes, other) = (record(&random).bytes, record(&random).bytes)
            let damaged = ObjectDamage.allCases[number % ObjectDamage.allCases.count].strike(bytes, other, &random)
            guard damaged != bytes, damaged != other else { continue }
            let error = #expect(throws: ArchiveError.self) {
                try EpochRecord(damaged, named: "log/0000000001/0000000000000000042")
            }
            switch error {
            case .damaged(let object, let offset, _):
                #expect(object == "log/0000000001/0000000000000000042" && offset >= 0 && offset <= damaged.count)
            case .newer(_, let version): #expect(version != 1)
            default: Issue.record("\(String(describing: error))")
            }
        }
    }

    /// The names of an archive: those who write one history meet under them.
    @Test func `lies where the next segment of the epoch before would`() {
        var random = Seeded("names")
        let names = ArchiveNames(UUID(uuidString: "018bcfe5-6800-7cc1-beeb-8da1658eec67")!)
        let epoch = Epoch(number: 3, nonce: random.next())
        let place = "018bcfe5-6800-7cc1-beeb-8da1658eec67/"
        #expect(names.log(epoch, from: 42).description == place + "log/0000000003/0000000000000000042")
        #expect(names.merge(7).description == place + "merges/0000000007")
        let range = MergedRange(epoch: epoch, first: 42, last: 43, chain: [])
        #expect(
            names.merged(range).description
                == place + "merged/0000000003/0000000000000000042-0000000000000000043")
        #expect(names.beginning.description == place + "beginning")
        let last = Epoch(number: .max, nonce: 0)
        #expect(ArchiveName(names.log(last, from: Revision(rawValue: .max)).description) != nil)
    }
}
