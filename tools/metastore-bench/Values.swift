import Metastore
import MetastoreModel

/// The values of the workload that is measured, of the sizes its definition names. All are ready before a clock starts:
/// the floor's are constants, too.
enum Values {
    /// 250 bytes.
    static let entry = [UInt8](repeating: 120, count: 250)

    /// 250 bytes of text each.
    private static let metricsPool: [Metrics] = (0..<64).map { number in
        [
            "accuracy": 0.987654321, "epoch": Double(number), "gpu_utilization": 0.97, "gradient_norm": 1.2345678,
            "learning_rate": 0.0001234, "memory_bytes": 17_179_869_184, "perplexity": 3.14159,
            "samples_per_second": 12_345.678, "training_loss": Double(number) * 0.1013,
            "validation_loss": Double(number) * 0.1117,
        ]
    }

    static func metrics(_ number: Int) -> Metrics { metricsPool[number & 63] }

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
