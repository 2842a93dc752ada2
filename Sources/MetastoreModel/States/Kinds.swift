/// What a workload does.
public enum WorkloadKind: Int16, NamedCode {
    /// Trains for a number of batches.
    case runStep = 1
    /// Validates the model as it is after a step.
    case computeValidationMetrics = 2
    /// Saves the model as it is after a step.
    case checkpointModel = 3
    /// Ends the trial's process.
    case terminate = 4

    /// The name users know.
    public var name: String {
        switch self {
        case .runStep: "RUN_STEP"
        case .computeValidationMetrics: "COMPUTE_VALIDATION_METRICS"
        case .checkpointModel: "CHECKPOINT_MODEL"
        case .terminate: "TERMINATE"
        }
    }
}

/// What a task is for.
public enum TaskKind: Int16, NamedCode {
    /// Runs a trial.
    case trial = 1
    /// A notebook.
    case notebook = 2
    /// A TensorBoard.
    case tensorboard = 3
    /// A shell.
    case shell = 4
    /// A command.
    case command = 5
    /// Removes collectable checkpoints from storage.
    case checkpointGC = 6

    /// The name users know.
    public var name: String {
        switch self {
        case .trial: "TRIAL"
        case .notebook: "NOTEBOOK"
        case .tensorboard: "TENSORBOARD"
        case .shell: "SHELL"
        case .command: "COMMAND"
        case .checkpointGC: "CHECKPOINT_GC"
        }
    }
}

/// What a slot is made of.
public enum DeviceKind: Int16, NamedCode {
    /// A graphics processor.
    case gpu = 1
    /// The host's processors.
    case cpu = 2

    /// The name users know.
    public var name: String {
        switch self {
        case .gpu: "GPU"
        case .cpu: "CPU"
        }
    }
}

/// Where the agents of a pool come from.
public enum PoolKind: Int16, NamedCode {
    /// Machines that are there.
    case onPremises = 1
    /// Instances that the provisioner asks AWS for.
    case aws = 2

    /// The name users know.
    public var name: String {
        switch self {
        case .onPremises: "on-prem"
        case .aws: "aws"
        }
    }
}
