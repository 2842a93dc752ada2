import Metastore
import MetastoreModel

/// One closure of up to four calls; some errors are swallowed in it, and sometimes it throws at its end.
struct Step: Sendable, CustomStringConvertible {
    let calls: [Call]
    let swallows: Bool
    let failsAtLast: Bool
    /// Sent twice, with one operation id.
    let usesOperation: Bool

    init(_ maker: inout CallMaker, _ plain: PlainHistory) {
        calls = (0..<(maker.random.chance(60) ? 1 : maker.random.number(2...4))).map { _ in maker.call(plain) }
        swallows = maker.random.chance(50)
        failsAtLast = maker.random.chance(5)
        usesOperation = maker.random.chance(10)
    }

    var description: String { "\(calls.map(\.name)) swallows \(swallows), fails at last \(failsAtLast)" }

    /// What the plain store answers, which goes on to what comes after.
    func expected(_ plain: inout PlainHistory) -> Result<[String], Refusal> {
        Result { () throws(Refusal) in
            try plain.commit { (draft) throws(Refusal) in
                var answers: [String] = []
                for call in calls {
                    var copy = draft
                    do throws(Refusal) {
                        answers += try call.plain(&copy)
                        draft = copy
                    } catch {
                        guard swallows, !call.failsWhole else { throw error }
                        answers.append("\(error)")
                    }
                }
                if failsAtLast { throw Refusal("at last") }
                return answers
            }
        }
    }

    /// The closure; what it swallows is among its answers, in the words of `telling`.
    func run(_ tx: borrowing Transaction, telling: (StoreError) -> String) throws -> [String] {
        var answers: [String] = []
        for call in calls {
            do {
                answers += try call.real(tx)
            } catch let error as StoreError {
                guard swallows, !call.failsWhole else { throw error }
                answers.append(telling(error))
            }
        }
        if failsAtLast { throw Refusal("at last") }
        return answers
    }
}

extension PlainHistory {
    /// The deletion of an experiment, in its two steps.
    mutating func delete(_ experiment: Int64) -> Result<[String], Refusal> {
        Result { () throws(Refusal) -> [String] in
            try commit { (draft) throws(Refusal) in try draft.store.beginDeletion(experiment) }
            try commit { (draft) throws(Refusal) in draft.store.endDeletion(experiment) }
            return []
        }
    }
}
