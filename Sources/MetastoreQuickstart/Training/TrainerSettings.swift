internal import MetastoreTerminal

/// What the example's model makes of a trial's hyperparameters. It uses four; others are kept with the trial
/// and do nothing.
package struct TrainerSettings: Hashable, Sendable {
    /// How far one batch moves the weights.
    package var learningRate = 0.1
    /// How strongly weights are pulled to zero.
    package var l2 = 0.0
    /// How much of the last movement is kept, from 0 to below 1.
    package var momentum = 0.0
    /// Samples a batch.
    package var batchSize = 16

    package static let names = ["batch_size", "l2", "learning_rate", "momentum"]
    package static let batchSizeMax = 4096

    /// The settings of a trial. What isn't named, or isn't a number, has its default: a configuration with
    /// such a value was refused before.
    package init(_ hyperparameters: Hyperparameters) {
        learningRate = hyperparameters["learning_rate"]?.number ?? learningRate
        l2 = hyperparameters["l2"]?.number ?? l2
        momentum = hyperparameters["momentum"]?.number ?? momentum
        if let size = hyperparameters["batch_size"]?.number, size.isFinite {
            batchSize = Int(min(max(1, size.rounded()), Double(Self.batchSizeMax)))
        }
    }

    /// Refuses values the model can't use, and notes names it doesn't know. Absurd numbers are allowed: to
    /// see what becomes of them is what a search is for.
    static func check(_ hyperparameter: Hyperparameter, named name: String, at place: ConfigurationNode) {
        guard names.contains(name) else {
            return place.note(
                "the example's model doesn't use this; it uses \(names.joined(separator: ", "))."
                    + Suggestion.text(for: name, among: names))
        }
        let numbers = hyperparameter.corners.map(\.number)
        guard !numbers.contains(nil) else { return place.refuse("must be a number") }
        let lowest = name == "batch_size" ? 1.0 : 0.0
        let highest = name == "batch_size" ? Double(batchSizeMax) : .greatestFiniteMagnitude
        for number in numbers.compactMap({ $0 }) {
            if number < lowest {
                return place.refuse(
                    "may be \(Shown.number(number)); it must be at least \(Shown.number(lowest))")
            } else if number > highest {
                return place.refuse(
                    "may be \(Shown.number(number)); it must be at most \(Shown.number(highest))")
            }
        }
    }
}
