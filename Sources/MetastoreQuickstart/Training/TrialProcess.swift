/// What an agent runs for one trial: keeps the model between workloads, and finds its way back when it can't.
///
/// An agent's process dies with the master that simulates it. That needs no new generation, since nothing it
/// had reported is lost: the next one starts from the latest checkpoint and trains the batches between it and
/// where the trial stands once more, which gives the same bits (``LogisticModel``, invariant 1).
package struct TrialProcess: Sendable {
    package let request: RequestID
    package private(set) var model: LogisticModel
    private let data: TrainingData

    /// A process that hasn't trained yet.
    package init(_ request: RequestID, hyperparameters: Hyperparameters, seed: UInt64, data: TrainingData) {
        self.request = request
        self.data = data
        model = LogisticModel(settings: TrainerSettings(hyperparameters), seed: seed)
    }

    /// Whether ``stand(at:)`` needs a checkpoint, or a start from nothing, because the model is already
    /// further.
    package func isBeyond(_ batches: Int) -> Bool { model.batches > batches }

    /// Loads a checkpoint; without one begins at the start.
    package mutating func load(_ checkpoint: ModelCheckpoint?) throws(CheckpointError) {
        model =
            if let checkpoint {
                try LogisticModel(checkpoint, of: request, settings: model.settings, seed: model.seed)
            } else { LogisticModel(settings: model.settings, seed: model.seed) }
    }

    /// Does `RUN_STEP`: from where the trial stands to where it shall be. Trains silently what lies before.
    package mutating func run(from: Int, to: Int) -> TrainingMetrics {
        stand(at: from)
        return model.train(to: to, on: data)
    }

    /// Does `COMPUTE_VALIDATION_METRICS` after so many batches.
    package mutating func validate(at batches: Int) -> ValidationMetrics {
        stand(at: batches)
        return model.validate(on: data)
    }

    /// Does `CHECKPOINT_MODEL` after so many batches.
    package mutating func checkpoint(at batches: Int) -> ModelCheckpoint {
        stand(at: batches)
        return ModelCheckpoint(model, of: request)
    }

    /// Trains up to where the trial stands. A model that is further begins anew, which costs time and changes
    /// nothing.
    package mutating func stand(at batches: Int) {
        if isBeyond(batches) { model = LogisticModel(settings: model.settings, seed: model.seed) }
        _ = model.train(to: batches, on: data)
    }
}
