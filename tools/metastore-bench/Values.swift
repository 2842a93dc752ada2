import Metastore
import MetastoreModel

/// The values of the workload that is measured, of the sizes its definition names. All are ready before a clock starts:
/// the floor's are constants, too.
enum Values {
    /// 250 bytes.
    static let entry = [UInt8](repeating: 120, count: 250)

    /// 250 bytes of text each, with the digits that measured numbers have: they compress as badly as those.
    private static let metricsPool: [Metrics] = (0..<4_096).map { number in
        func digits(_ index: UInt64, _ count: Double) -> Double {
            Double(mixed(UInt64(number) &* 16 &+ index) % UInt64(count)) / count
        }
        return [
            "accuracy": digits(1, 1e7), "epoch": Double(number / 100), "gpu_utilization": digits(2, 1e4),
            "gradient_norm": 1 + digits(3, 1e7), "learning_rate": digits(4, 1e7), "memory_bytes": 17_179_869_184,
            "perplexity": 30 + digits(5, 1e7), "samples_per_second": 12_345 + digits(6, 1e3),
            "training_loss": 1 + digits(7, 1e8), "validation_loss": 1 + digits(8, 1e8),
        ]
    }

    /// The same for the same number, and like random: the step of SplitMix64.
    private static func mixed(_ number: UInt64) -> UInt64 {
        var bits = (number &+ 1) &* 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }

    static func metrics(_ number: Int) -> Metrics { metricsPool[number & 4_095] }

    /// A validation whose metric no other number has.
    static func validation(_ number: Int) -> Metrics {
        [
            "accuracy": 0.987654321, "epoch": 17, "perplexity": 3.14159, "samples_per_second": 12_345.678,
            "validation_loss": 1 + Double(number &* 7_919 % 1_000_003) / 1_000_003,
        ]
    }

    /// 300 bytes.
    static func hparams(_ number: Int) -> JSONObject {
        [
            "activation": "gelu", "batch_size": 256, "beta1": 0.9, "beta2": 0.999, "dropout": 0.1, "epsilon": 1e-8,
            "gradient_clipping": 1, "hidden": 768, "layers": 12, "learning_rate": .number(Double(number) * 0.001),
            "optimizer": "adamw", "precision": "bf16", "schedule": "cosine", "sequence_length": 1024,
            "vocabulary": 50257, "warmup_steps": 1000, "weight_decay": 0.01,
        ]
    }

    /// 2 KB, different for each number.
    static func config(_ number: Int) throws -> JSONObject {
        var layers: [JSON] = []
        for layer in 0..<20 {
            layers.append([
                "name": .string("block-\(layer)"), "units": .integer(Int64(256 + (number * 31 + layer * 17) % 512)),
                "dropout": .number(Double((number * 7 + layer) % 100) / 100), "activation": "gelu",
            ])
        }
        return try JSONObject([
            "description": .string("experiment \(number)"), "layers": .array(layers),
            "searcher": ["metric": "validation_loss", "name": "adaptive_asha", "max_trials": 1000],
            "resources": ["slots_per_trial": 8, "priority": 42, "pool": "gpu"],
            "checkpoint_storage": ["type": "s3", "bucket": "training-checkpoints", "save_trial_best": 1],
            "data": ["url": .string("s3://datasets/imagenet/\(number)"), "batch": 256],
        ])
    }

    /// 600 bytes.
    static let resources: Resources = {
        var values: [(String, Int64)] = []
        for shard in 0..<15 { values.append(("state/model-shard-\(10 + shard)-of-15.bin", 268_435_456)) }
        return (try? Resources(Dictionary(uniqueKeysWithValues: values))) ?? [:]
    }()
}
