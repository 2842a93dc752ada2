internal import Glibc

/// What the model reports after training: the mean loss of the batches of a step.
package struct TrainingMetrics: Hashable, Sendable {
    package let loss: Double

    /// By name, as they are stored.
    package var values: [String: Double] { ["loss": loss] }
}

/// What the model reports after a validation.
package struct ValidationMetrics: Hashable, Sendable {
    package let loss: Double
    package let accuracy: Double

    package static let names = ["validation_accuracy", "validation_error", "validation_loss"]

    /// By name, as they are stored. The values may be NaN or infinite.
    package var values: [String: Double] {
        ["validation_accuracy": accuracy, "validation_error": 1 - accuracy, "validation_loss": loss]
    }
}

/// A logistic regression that is trained by stochastic gradient descent with momentum, one batch at a time.
///
/// Invariants
/// 1. Its weights after n batches are a function of (data, settings, seed, n): the samples of batch n are
///    drawn from (seed, n), not from a shuffle that would have to be remembered. So training to n at once, in
///    steps, or from a checkpoint on gives the same bits, on one machine and C library.
/// 2. The loss is computed as textbooks write it, without protection: weights that grow too far give
///    infinities and NaN, as they do in real training.
package struct LogisticModel: Hashable, Sendable {
    package let settings: TrainerSettings
    package let seed: UInt64
    /// Batches seen.
    package internal(set) var batches: Int
    /// One weight per feature, and the bias at the end.
    var weights: [Double]
    /// The last movement of each weight.
    var velocity: [Double]

    /// The model before its first batch.
    package init(settings: TrainerSettings, seed: UInt64) {
        self.settings = settings
        self.seed = seed
        batches = 0
        var stream = Randomness(seed: seed, "weights")
        weights = (0...TrainingData.featureCount).map { _ in 0.1 * stream.normal() }
        velocity = Array(repeating: 0, count: weights.count)
    }

    /// Trains until it has seen `batches` batches; nothing happens if it has seen as many.
    package mutating func train(to batches: Int, on data: TrainingData) -> TrainingMetrics {
        var sum = 0.0
        let first = self.batches
        while self.batches < batches { sum += trainOneBatch(on: data) }
        return TrainingMetrics(loss: batches > first ? sum / Double(batches - first) : 0)
    }

    /// How well it does on samples it never learns from.
    package func validate(on data: TrainingData) -> ValidationMetrics {
        var loss = 0.0
        var right = 0
        for sample in data.validation {
            let probability = probability(sample.features)
            loss += Self.loss(probability, sample.label)
            if (probability > 0.5) == (sample.label == 1) { right += 1 }
        }
        let count = Double(data.validation.count)
        return ValidationMetrics(loss: loss / count, accuracy: Double(right) / count)
    }

    private mutating func trainOneBatch(on data: TrainingData) -> Double {
        var stream = Randomness(seed: seed, "batch", .number(batches))
        var gradient = Array(repeating: 0.0, count: weights.count)
        var loss = 0.0
        for _ in 0..<settings.batchSize {
            let sample = data.training[stream.below(data.training.count)]
            let probability = probability(sample.features)
            loss += Self.loss(probability, sample.label)
            let error = probability - sample.label
            for index in sample.features.indices { gradient[index] += error * sample.features[index] }
            gradient[sample.features.count] += error
        }
        let size = Double(settings.batchSize)
        for index in weights.indices {
            let slope = gradient[index] / size + settings.l2 * weights[index]
            velocity[index] = settings.momentum * velocity[index] - settings.learningRate * slope
            weights[index] += velocity[index]
        }
        batches += 1
        return loss / size
    }

    private func probability(_ features: [Double]) -> Double {
        var sum = weights[features.count]
        for index in features.indices { sum += weights[index] * features[index] }
        return 1 / (1 + exp(-sum))
    }

    private static func loss(_ probability: Double, _ label: Double) -> Double {
        -(label * log(probability) + (1 - label) * log(1 - probability))
    }
}
