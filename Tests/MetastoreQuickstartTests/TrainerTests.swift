import MetastoreQuickstart
import Testing

@Suite struct `The example's model` {
    static let data = TrainingData(seed: 1)
    static let request = RequestID(seed: 1, ordinal: 0)

    func process(_ hyperparameters: Hyperparameters, seed: UInt64 = 5) -> TrialProcess {
        TrialProcess(Self.request, hyperparameters: hyperparameters, seed: seed, data: Self.data)
    }

    static let usual: Hyperparameters = [
        "learning_rate": .number(0.3), "l2": .number(0.001), "momentum": .number(0.5),
        "batch_size": .integer(8),
    ]

    @Test func `learns`() {
        var process = process(Self.usual)
        let before = process.validate(at: 0)
        _ = process.run(from: 0, to: 200)
        let after = process.validate(at: 200)
        #expect((0.25...0.75).contains(before.accuracy) && before.loss > 0.6, "\(before)")
        #expect(after.accuracy > 0.8 && after.loss < 0.6 * before.loss, "\(after)")
    }

    @Test func `learns nothing when it hardly moves`() {
        var process = process(["learning_rate": .number(1e-9)])
        let before = process.validate(at: 0)
        _ = process.run(from: 0, to: 100)
        #expect(abs(process.validate(at: 100).loss - before.loss) < 1e-4)
    }

    @Test(arguments: [1e3, 1e6, 1e300]) func `diverges with an absurd learning rate`(_ rate: Double) {
        var process = process(["learning_rate": .number(rate), "l2": .number(0.01)])
        _ = process.run(from: 0, to: 100)
        let loss = process.validate(at: 100).loss
        #expect(!loss.isFinite, "\(loss)")
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `in steps and from checkpoints is bit for bit the same`(_ seed: UInt64) throws {
        var whole = process(Self.usual, seed: seed)
        _ = whole.run(from: 0, to: 120)
        let expected = whole.checkpoint(at: 120)

        var stream = Randomness(seed: seed, "steps")
        var process = process(Self.usual, seed: seed)
        var batches = 0
        while batches < 120 {
            let next = min(120, batches + 1 + stream.below(20))
            _ = process.run(from: batches, to: next)
            batches = next
            if stream.unit() < 0.5 {
                let files = process.checkpoint(at: batches).files
                process = self.process(Self.usual, seed: seed)
                try process.load(ModelCheckpoint(files: files))
                #expect(process.model.batches == batches)
            }
        }
        #expect(process.checkpoint(at: 120) == expected, "seed \(seed)")
    }

    @Test func `catches up when its process was lost, and begins anew when it is too far`() {
        var whole = process(Self.usual)
        let metrics = [20, 40, 60].map { whole.run(from: $0 - 20, to: $0) }
        var late = process(Self.usual)
        #expect(late.run(from: 40, to: 60) == metrics[2])
        #expect(late.run(from: 0, to: 20) == metrics[0])
        #expect(late.validate(at: 60) == whole.validate(at: 60))
    }

    @Test func `depends on the trial's seed and the experiment's data`() {
        var a = process(Self.usual, seed: 1)
        var b = process(Self.usual, seed: 2)
        #expect(a.run(from: 0, to: 10) != b.run(from: 0, to: 10))
        var c = TrialProcess(
            Self.request, hyperparameters: Self.usual, seed: 1, data: TrainingData(seed: 2))
        #expect(a.validate(at: 10) != c.validate(at: 10))
    }

    @Test func `survives every batch size`() {
        for size in [-5, 0, 1, 1_000_000] {
            var process = process(["batch_size": .integer(size)])
            #expect(process.run(from: 0, to: 1).loss.isFinite)
        }
    }
}

@Suite struct `A model's checkpoint` {
    static let request = RequestID(seed: 1, ordinal: 0)
    static let model = LogisticModel(settings: TrainerSettings([:]), seed: 3)
    static let good = ModelCheckpoint(model, of: request)

    func load(_ files: [String: [UInt8]], of request: RequestID = request) throws(CheckpointError)
        -> LogisticModel
    {
        try LogisticModel(ModelCheckpoint(files: files), of: request, settings: Self.model.settings, seed: 3)
    }

    @Test func `has sizes that can be checked by hand`() {
        #expect(Self.good.sizes["weights.bin"] == 2 * 21 * 8)
        #expect(Set(Self.good.sizes.keys) == ["weights.bin", "metadata.json"])
        let metadata = String(decoding: Self.good.files["metadata.json"]!, as: UTF8.self)
        #expect(metadata.contains("\"format\" : \"logistic-regression/1\"") && metadata.hasSuffix("}\n"))
    }

    @Test func `keeps what isn't finite`() throws {
        var process = TrialProcess(
            Self.request, hyperparameters: ["learning_rate": .number(1e300), "l2": .number(1)], seed: 3,
            data: TrainingData(seed: 1))
        let saved = process.checkpoint(at: 20)
        let loaded = try LogisticModel(saved, of: Self.request, settings: process.model.settings, seed: 3)
        #expect(ModelCheckpoint(loaded, of: Self.request) == saved)
    }

    @Test func `is refused when anything about it is wrong`() throws {
        #expect(try load(Self.good.files) == Self.model)
        for name in ["weights.bin", "metadata.json"] {
            var files = Self.good.files
            files[name] = nil
            #expect(throws: CheckpointError.missing(file: name)) { try load(files) }
            files[name] = Array(Self.good.files[name]!.dropLast(2))
            #expect(throws: CheckpointError.damaged(file: name)) { try load(files) }
        }
        #expect(throws: CheckpointError.otherTrial(Self.request)) {
            try load(Self.good.files, of: RequestID(seed: 1, ordinal: 1))
        }
        var files = Self.good.files
        let metadata = String(decoding: files["metadata.json"]!, as: UTF8.self)
        files["metadata.json"] = Array(metadata.replacing("regression/1", with: "regression/2").utf8)
        #expect(throws: CheckpointError.otherFormat("logistic-regression/2")) { try load(files) }
    }

    @Test func `is refused with any bit of the weights flipped`() throws {
        for bit in 0..<2 * 21 * 64 {
            var files = Self.good.files
            files["weights.bin"]![bit / 8] ^= 1 << (bit % 8)
            #expect(throws: CheckpointError.damaged(file: "weights.bin")) { try load(files) }
        }
    }
}
