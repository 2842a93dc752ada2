internal import Glibc

/// The samples all trials of an experiment learn from: two classes that a plane separates, but for some
/// noise. A function of the experiment's seed alone.
package struct TrainingData: Sendable {
    package static let featureCount = 20
    package static let trainingCount = 400
    package static let validationCount = 200
    /// The share of labels that are wrong, so that no model reaches a loss of zero.
    static let wrongLabels = 0.05

    /// One sample.
    struct Sample: Sendable {
        let features: [Double]
        /// 0 or 1.
        let label: Double
    }

    let training: [Sample]
    let validation: [Sample]

    package init(seed: UInt64) {
        var stream = Randomness(seed: seed, "data")
        let plane = (0..<Self.featureCount).map { _ in stream.normal() }
        func sample() -> Sample {
            let features = (0..<Self.featureCount).map { _ in stream.normal() }
            let side = zip(plane, features).reduce(0.5) { $0 + $1.0 * $1.1 } > 0
            let label = stream.unit() < Self.wrongLabels ? !side : side
            return Sample(features: features, label: label ? 1 : 0)
        }
        training = (0..<Self.trainingCount).map { _ in sample() }
        validation = (0..<Self.validationCount).map { _ in sample() }
    }
}
