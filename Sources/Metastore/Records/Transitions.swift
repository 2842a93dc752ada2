public import MetastoreModel

extension TransitionState {
    /// True when the transition changes nothing, because the record is there already; throws when it isn't allowed.
    func isNoChange(to next: Self, occasion: TransitionOccasion = .always, path: String) throws(StoreError) -> Bool {
        if self == next { return true }
        guard isAllowed(to: next, occasion: occasion) else {
            throw .transitionRefused(
                path: path, from: name, to: next.name, allowed: allowed(occasion: occasion).map(\.name))
        }
        return false
    }
}

/// What must hold for a write to go ahead (compare-and-set).
public struct Expectation<State: TransitionState>: Sendable, Hashable {
    let revision: Revision?
    let states: [State]?

    /// Whatever the record is.
    public static var anything: Self { Self(revision: nil, states: nil) }
    /// Only if nobody changed the record since it had this revision; ``Revision/absent`` for one that must not exist.
    public static func revision(_ revision: Revision) -> Self { Self(revision: revision, states: nil) }
    /// Only if the record is in one of these states.
    public static func state(_ states: State...) -> Self { Self(revision: nil, states: states) }

    func check(_ path: String, _ revision: Revision, _ state: State) throws(StoreError) {
        if let expected = self.revision, expected != revision {
            throw .conflict(path: path, expected: expected, found: revision)
        }
        if let states, !states.contains(state) {
            throw .unexpectedState(path: path, expected: states.map(\.name), found: state.name)
        }
    }
}

/// Throws ``StoreError/conflict(path:expected:found:)`` unless the record has the revision, if one is given.
func check(_ expected: Revision?, _ found: Revision, _ path: String) throws(StoreError) {
    if let expected, expected != found { throw .conflict(path: path, expected: expected, found: found) }
}

/// Runs checks of the model, whose errors become the store's.
func validating<Result>(_ body: () throws(ModelError) -> Result) throws(StoreError) -> Result {
    do {
        return try body()
    } catch {
        throw StoreError(error)
    }
}
