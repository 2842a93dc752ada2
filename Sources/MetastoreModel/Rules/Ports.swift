/// What a port is reserved for.
public enum PortPurpose: Int16, NamedCode {
    /// A TensorBoard.
    case tensorboard = 1
    /// A notebook.
    case notebook = 2
    /// A shell.
    case shell = 3
    /// The containers of a trial find each other.
    case rendezvous = 4
    /// The containers of a trial keep step.
    case synchronization = 5
    /// The containers of a trial start processes in each other.
    case ssh = 6
    /// GLOO's processes find each other.
    case glooRendezvous = 7
    /// DeepSpeed's processes find each other.
    case deepSpeed = 8
    /// torch distributed's processes find each other.
    case torchDistributed = 9
    /// NCCL, an ephemeral port for each GPU.
    case nccl = 10
    /// GLOO, ephemeral ports.
    case gloo = 11

    /// The name users know.
    public var name: String {
        switch self {
        case .tensorboard: "TENSORBOARD"
        case .notebook: "NOTEBOOK"
        case .shell: "SHELL"
        case .rendezvous: "RENDEZVOUS"
        case .synchronization: "SYNCHRONIZATION"
        case .ssh: "SSH"
        case .glooRendezvous: "GLOO_RENDEZVOUS"
        case .deepSpeed: "DEEPSPEED"
        case .torchDistributed: "TORCH_DISTRIBUTED"
        case .nccl: "NCCL"
        case .gloo: "GLOO"
        }
    }

    /// Whether any free port of a configurable range does.
    public var isEphemeral: Bool {
        self == .nccl || self == .gloo
    }
}

/// Which ports each purpose may have.
///
/// 1. A fixed purpose has one port; tasks that people open have a range; the ephemeral ones a configurable
///    range.
/// 2. An ephemeral reservation never takes a port of another purpose, whatever its range.
public struct PortRanges: Sendable, Hashable, Codable {
    /// Ports that TensorBoards are given.
    public static let tensorboard: ClosedRange<Int64> = 2600...2899
    /// Ports that notebooks are given.
    public static let notebook: ClosedRange<Int64> = 2900...3199
    /// Ports that shells are given.
    public static let shell: ClosedRange<Int64> = 3200...3599
    /// Where ephemeral ports are taken from unless set otherwise.
    public static let ephemeral: ClosedRange<Int64> = 1024...65535
    /// The one port of each fixed purpose.
    public static let fixed: [PortPurpose: Int64] = [
        .rendezvous: 1734, .synchronization: 1750, .ssh: 12350, .glooRendezvous: 12355,
        .deepSpeed: 29500, .torchDistributed: 29400,
    ]
    /// How many ports a trial's allocation reserves beside one for each GPU.
    public static let portsBesideGPUs = 2

    /// Where NCCL's ports are taken from.
    public var nccl: ClosedRange<Int64>
    /// Where GLOO's ports are taken from.
    public var gloo: ClosedRange<Int64>

    /// The ranges of the ephemeral purposes; 1024–65535 unless set otherwise.
    public init(nccl: ClosedRange<Int64> = ephemeral, gloo: ClosedRange<Int64> = ephemeral) {
        self.nccl = nccl
        self.gloo = gloo
    }

    /// The ports of a purpose, lowest to highest; of an ephemeral one some must be left out, see
    /// ``mayReserve(_:for:)``.
    public func range(of purpose: PortPurpose) -> ClosedRange<Int64> {
        switch purpose {
        case .tensorboard: return PortRanges.tensorboard
        case .notebook: return PortRanges.notebook
        case .shell: return PortRanges.shell
        case .nccl: return nccl
        case .gloo: return gloo
        case .rendezvous, .synchronization, .ssh, .glooRendezvous, .deepSpeed, .torchDistributed:
            let port = PortRanges.fixed[purpose] ?? 0
            return port...port
        }
    }

    /// Whether the port is the one port of a fixed purpose.
    public static func isFixed(_ port: Int64) -> Bool {
        fixed.values.contains(port)
    }

    /// Whether the port belongs to another purpose, so that no ephemeral reservation may take it.
    public static func isClosedToEphemeral(_ port: Int64) -> Bool {
        isFixed(port) || tensorboard.contains(port) || notebook.contains(port) || shell.contains(port)
    }

    /// Whether the port may be reserved for the purpose.
    public func mayReserve(_ port: Int64, for purpose: PortPurpose) -> Bool {
        range(of: purpose).contains(port) && !(purpose.isEphemeral && PortRanges.isClosedToEphemeral(port))
    }
}
