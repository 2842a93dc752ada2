internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `A segment` {
    @Test func `gives back what was put into it, and has one way to be written`() async throws {
        var random = Seeded("segments")
        let history = try await History.make(&random, entries: 60, largest: 20_000)
        for _ in 0..<Seeded.count(1_000, least: 20) {
            let segment = history.segment(history.stretch(&random, most: 60))
            let bytes = segment.bytes
            let read = try Segment(bytes, named: "segment")
            #expect(read.isSame(as: segment), "from \(segment.header.first)")
            #expect(read.bytes == bytes)
        }
    }

    @Test func `holds a transaction of many blocks`() async throws {
        var random = Seeded("large segments")
        let history = try await History.make(&random, entries: 3, largest: 3_000_000)
        let last = history.records.count
        let segment = history.segment(last - 3..<last)
        let read = try Segment(segment.bytes, named: "segment")
        #expect(read.isSame(as: segment), "from \(segment.header.first)")
    }

    /// The error names the object and a byte of it; nothing is given away.
    @Test func `that was damaged is refused, by name and byte`() async throws {
        var random = Seeded("damaged segments")
        let history = try await History.make(&random, entries: 40, largest: 2_000)
        let name = "log/0000000001/0000000000000000007"
        var reasons: [String: Int] = [:]
        for number in 0..<Seeded.count(2_000, least: 200) {
            let bytes = history.segment(history.stretch(&random, most: 30)).bytes
            let other = history.segment(history.stretch(&random, most: 30)).bytes
            let damaged = ObjectDamage.allCases[number % ObjectDamage.allCases.count].strike(bytes, other, &random)
            guard damaged != bytes, damaged != other else { continue }
            let error = #expect(
                throws: ArchiveError.self, "\(ObjectDamage.allCases[number % ObjectDamage.allCases.count])"
            ) {
                try Segment(damaged, named: name)
            }
            switch error {
            case .damaged(let object, let offset, let reason):
                #expect(object.contains(name) && offset >= 0 && offset <= damaged.count)
                reasons[reason, default: 0] += 1
            case .newer(let object, let version): #expect(object == name && version != 1)
            default: Issue.record("\(String(describing: error))")
            }
        }
        #expect(reasons.count > 3, "\(reasons)")
    }

    /// Whoever can write checksums can still not write history.
    @Test func `with another record and right checksums is refused by its chain`() async throws {
        var random = Seeded("forged segments")
        let history = try await History.make(&random, entries: 20, largest: 300)
        let segment = history.segment(history.records.count - 10..<history.records.count)
        for field in 0..<6 {
            var records = segment.records
            switch field {
            case 0: records[4].body[records[4].body.count - 1] ^= 1
            case 1: records[4].actor += "x"
            case 2: records[4].kinds.formUnion(.leases)
            case 3: records[4].operation = UUID()
            case 4: records[4].consumer = ConsumerProgress(name: "scheduler", revision: 3)
            default: records[4].time = records[3].time
            }
            guard records[4].header != segment.records[4].header || records[4].body != segment.records[4].body else {
                continue
            }
            let kinds = records.reduce(into: RecordKinds()) { $0.formUnion($1.kinds) }
            let digests = Dictionary(
                uniqueKeysWithValues: RecordKind.allCases.filter(kinds.contains).map { ($0, UInt128(1)) })
            let forged = Segment(cluster: history.cluster, records, after: segment.header.previous, digests: digests)
            let error = #expect(throws: ArchiveError.self) { try Segment(forged.bytes, named: "segment") }
            #expect("\(error!)".contains("don't lead to the link"), "\(error!)")
        }
    }

    /// A trial of 300 bytes of hyperparameters changes its state: alone, and with many others.
    @Test func `is small, alone and in batches`() async throws {
        let store = try await Metastore.open(.inMemory())
        let trials = 200
        try await store.write { tx in
            var random = Seeded("small segments")
            let experiment = try tx.experiments.create(NewExperiment(name: "e", config: [:], startsActive: true))
            for number in 0..<trials {
                let values = (1...9).map { "\"hyperparameter_\($0)\":\(Double.random(in: 0..<1, using: &random))" }
                let new = NewTrial(
                    experiment: experiment.id, requestID: random.uuid(),
                    hparams: try JSONObject(parsing: "{\(values.joined(separator: ","))}"), seed: Int64(number))
                _ = try tx.trials.create(new)
            }
        }
        let before = store.position.revision
        for id in 1...Int64(trials) {
            try await store.write { tx in try tx.trials.transition(ID(rawValue: id), to: .error) }
        }
        let all = try await store.logRecords(after: .absent, bytes: .max)
        let records = all.filter { $0.revision > before }
        let link = try #require(all.first { $0.revision == before }?.chain)
        let cluster = try await store.info().cluster
        func bytes(_ count: Int) -> Int {
            let part = Array(records.prefix(count))
            return Segment(cluster: cluster, part, after: link, digests: [.trial: .max / 3]).bytes.count
        }
        let body = records[0].body.count
        let each = bytes(trials) / trials
        print("a trial's transition: \(body) bytes of body, alone \(bytes(1)), of \(trials) each \(each)")
        #expect(bytes(1) - body < 160)
        #expect(bytes(trials) < trials * body)
        await store.close()
    }
}
