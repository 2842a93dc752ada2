/// When a transition may happen.
public enum TransitionOccasion: UInt8, Sendable, Hashable, CaseIterable {
    /// Whenever it is asked for.
    case always
    /// Only as the restart after an error.
    case restartOnly
    /// Only as the continuation of something that had ended.
    case continueOnly
    /// Only as a step of a deletion.
    case deletionOnly
    /// Only because an agent registered again.
    case registrationOnly
}

/// A state with a fixed table of the transitions that may be made from it.
public protocol TransitionState: NamedCode {
    /// Every transition there is; the store refuses every other.
    static var transitions: TransitionTable<Self> { get }
    /// Whether the record has ended; reaching such a state sets the end time.
    var isTerminal: Bool { get }
}

extension TransitionState {
    /// Whether the table has the transition, on the given occasion.
    ///
    /// Transitions that may always be made are allowed on every occasion. One to the same state isn't in the
    /// table (but for PARTIALLY_DELETED): the store answers it by changing nothing.
    public func isAllowed(to next: Self, occasion: TransitionOccasion = .always) -> Bool {
        Self.transitions.allows(from: self, to: next, occasion: occasion)
    }

    /// The states that may be reached from here on the given occasion, by code.
    public func allowed(occasion: TransitionOccasion = .always) -> [Self] {
        Self.allCases.filter { isAllowed(to: $0, occasion: occasion) }
    }
}

/// Transitions as data.
public struct TransitionTable<State: TransitionState>: Sendable {
    /// Some transitions from one state.
    public struct Edges: Sendable {
        let from: State
        let to: [State]
        let occasion: TransitionOccasion

        /// From one state to each of the given ones.
        public static func from(
            _ from: State, to: [State], _ occasion: TransitionOccasion = .always
        ) -> Edges {
            Edges(from: from, to: to, occasion: occasion)
        }
    }

    /// For each occasion and state one mask of codes; codes are small and begin at 1.
    private let masks: [[UInt64]]

    /// The table of the given transitions.
    public init(_ edges: [Edges]) {
        let codes = (State.allCases.map { Int($0.rawValue) }.max() ?? 0) + 1
        var masks = TransitionOccasion.allCases.map { _ in [UInt64](repeating: 0, count: codes) }
        for edge in edges {
            for next in edge.to {
                masks[Int(edge.occasion.rawValue)][Int(edge.from.rawValue)] |= 1 << UInt64(next.rawValue)
            }
        }
        self.masks = masks
    }

    /// The table in which every state may be followed by any later one of the list.
    public static func forward(_ states: [State]) -> TransitionTable {
        TransitionTable(
            states.indices.map { .from(states[$0], to: Array(states[($0 + 1)...])) })
    }

    /// Whether the transition is in the table for this occasion or for all.
    public func allows(from: State, to next: State, occasion: TransitionOccasion) -> Bool {
        let bit: UInt64 = 1 << UInt64(next.rawValue)
        let row = Int(from.rawValue)
        return (masks[0][row] | masks[Int(occasion.rawValue)][row]) & bit != 0
    }
}
