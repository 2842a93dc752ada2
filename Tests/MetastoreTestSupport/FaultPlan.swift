package import MetastoreEngine
internal import Synchronization

/// What is to go wrong, when; shared by a ``FaultyEngine`` and its connections, and changed by the test while they run.
package final class FaultPlan: Sendable {
    /// A kind of call.
    package enum Call: Sendable, Hashable {
        case begin
        /// After a snapshot to read was taken.
        case snapshot
        /// A statement whose text contains this.
        case statement(containing: String)
        case savepoint, releaseSavepoint, rollbackToSavepoint
        /// Before anything was committed.
        case beforeCommit
        /// After it was committed: the caller is told that it failed.
        case afterCommit
        case confirmHold, openReader, settleUnknownCommit, keepNote
    }

    /// What happens instead.
    package enum Effect: Sendable {
        /// The call fails with this error.
        case fail(EngineError)
        /// The SQL transaction is rolled back, as some errors do by themselves, and the call fails.
        case endTransaction(EngineError)
        /// The call takes this long.
        case delay(Duration)
        /// The closure runs first, on the calling thread, with the real connection.
        case run(@Sendable (any Connection) throws -> Void)
    }

    fileprivate struct Armed {
        let call: Call
        var left: Int
        let effect: Effect
        let isLasting: Bool
    }

    fileprivate struct State {
        var armed: [Armed] = []
        var texts: Set<String> = []
        var records = false
        var count: [Call: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// The `nth` call of this kind from now on (1 is the next) gets the effect; with `lasting`, every one from then on.
    package func arm(_ call: Call, nth: Int = 1, lasting: Bool = false, _ effect: Effect) {
        state.withLock { $0.armed.append(Armed(call: call, left: nth, effect: effect, isLasting: lasting)) }
    }

    package func disarm() { state.withLock { $0.armed.removeAll() } }

    /// True when every fault that isn't lasting has happened.
    package var isSpent: Bool { state.withLock { $0.armed.allSatisfy(\.isLasting) } }

    /// Keeps the text of every statement from now on.
    package func recordTexts() { state.withLock { $0.records = true } }

    /// The statements met since ``recordTexts()``, with abstract placeholders.
    package var texts: Set<String> { state.withLock { $0.texts } }

    /// How many calls of a kind there were (not of statements).
    package func count(of call: Call) -> Int { state.withLock { $0.count[call] ?? 0 } }

    func met(_ call: Call, on connection: (any Connection)?) throws(EngineError) {
        let effects: [Effect] = state.withLock { state in
            state.count[call, default: 0] += 1
            return state.take { $0 == call }
        }
        try apply(effects, connection)
    }

    func met(statement text: String, on connection: any Connection) throws(EngineError) {
        let effects: [Effect] = state.withLock { state in
            if state.records { state.texts.insert(text) }
            guard !state.armed.isEmpty else { return [] }
            return state.take { call in
                if case .statement(let part) = call { text.contains(part) } else { false }
            }
        }
        try apply(effects, connection)
    }

    private func apply(_ effects: [Effect], _ connection: (any Connection)?) throws(EngineError) {
        for effect in effects {
            switch effect {
            case .fail(let error): throw error
            case .endTransaction(let error):
                connection?.rollback()
                throw error
            case .delay(let duration): pause(duration)
            case .run(let body):
                guard let connection else { continue }
                do {
                    try body(connection)
                } catch let error as EngineError {
                    throw error
                } catch {
                    throw EngineError(.misuse, operation: "inject a fault", message: "\(error)")
                }
            }
        }
    }
}

extension FaultPlan.State {
    fileprivate mutating func take(where matches: (FaultPlan.Call) -> Bool) -> [FaultPlan.Effect] {
        var effects: [FaultPlan.Effect] = []
        for index in armed.indices.reversed() where matches(armed[index].call) {
            armed[index].left -= 1
            guard armed[index].left <= 0 else { continue }
            effects.append(armed[index].effect)
            if !armed[index].isLasting { armed.remove(at: index) }
        }
        return effects.reversed()
    }
}
