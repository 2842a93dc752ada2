// Invariants (an engine that other processes write to as well, G1, G8, G11)
// 1. A batch of which nothing is there is tried again, until its oldest write has waited for the engine's call
//    time-out; then it is answered, as not applied.
// 2. After a commit whose answer was lost nothing is answered before the head's lock was held again: until then the
//    lost connection's backend may still commit. What is in the log then is the truth.
// 3. A new connection is only written to if it has what this handle last saw committed. A server without it went on
//    from an older state: every write and every read is refused from then on.

internal import Logging
internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

extension WriterLoop {
    /// Makes sure that there is a connection, and that it leads to the history this handle knows.
    func reconnect() throws {
        guard !connection.isUsable else { return }
        connection.close()
        connection = try engine.openWriter()
        do {
            try confirmHistory()
        } catch {
            connection.close()
            if let cut = error as? StoreError, case .historyCut = cut {
                writer.failure.withLock { $0 = cut }
                writer.tail.close(cut)
                writer.readers?.end(with: cut)
                logger.info(
                    "the server lacks what was committed; nothing is written any more", metadata: ["error": "\(cut)"])
            }
            throw error
        }
        writer.tail.history?.writerMoved()
        logger.info("connected again", metadata: ["place": "\(engine.place)"])
    }

    private func confirmHistory() throws {
        let known = head.position
        let found = try Session(connection, control: nil).look(for: known, and: known)
        if let lack = found.lack { throw StoreError.historyCut(expected: lack.known, found: lack.found) }
    }

    /// After an error that may have cost the connection: true when the batch may be tried again.
    func mayRetry(_ jobs: [any WriteJob], after error: any Error) -> Bool {
        guard !engine.isExclusive, Self.isPassing(error) else { return false }
        let now = ContinuousClock.now
        guard jobs.allSatisfy({ now - $0.submitted < options.engine.callTimeout }) else { return false }
        BlockingThread.pause(milliseconds: connection.isUsable ? 5 : 50)
        return true
    }

    /// An error that says nothing about the write itself: another attempt may succeed.
    static func isPassing(_ error: any Error) -> Bool {
        let code: EngineError.Code
        switch error {
        case let error as EngineError: code = error.code
        case StoreError.engine(let error): code = error.code
        case StoreError.unavailable: return true
        default: return false
        }
        switch code {
        case .busy, .unreachable, .disconnected, .timedOut: return true
        default: return false
        }
    }

    /// The answer to a commit was lost. Ask for the head's lock on a new connection, and look. False when nothing of
    /// the batch is there, and there is time for all of it to run once more.
    func settleOnServer(_ batch: Batch, _ jobs: [any WriteJob], _ error: EngineError) -> Bool {
        connection.close()
        var failure: any Error = error
        repeat {
            do {
                try reconnect()
                try connection.begin(.write)
                let found = try Head.load(connection, locking: true)
                let isThere = try isThere(batch, found)
                connection.rollback()
                logger.info("settled", metadata: ["committed": "\(isThere)"])
                if isThere {
                    publish(batch).resume()
                    // It was committed by the connection before: no reader's server is the writer's for having it.
                    writer.tail.history?.writerMoved()
                    // Others may have written after it.
                    if found.revision > head.revision { writer.tail.publish([], head: found.position).resume() }
                    answer(jobs, .committed)
                    return true
                }
                if mayRetry(jobs, after: error) { return false }
                answer(jobs, .failed(.notApplied(reason: error.words)))
                return true
            } catch {
                connection.rollback()
                failure = error
            }
        } while mayRetry(jobs, after: failure)
        answer(jobs, .failed(.outcomeUnknown(reason: "\(error.words); then: \(failure)")))
        return true
    }

    /// Is what the batch wrote in this state? Without a record of its own only a head that nobody moved since can tell.
    private func isThere(_ batch: Batch, _ found: Head) throws -> Bool {
        let expected = batch.session.head
        guard !batch.records.isEmpty else {
            if found.batches < expected.batches { return false }
            guard found.batches == expected.batches, found.chain == expected.chain, found.time == expected.time else {
                throw StoreError.outcomeUnknown(reason: "another process wrote since, and this write left no record")
            }
            return true
        }
        let chain = try connection.first("SELECT chain FROM log WHERE revision = \(expected.revision.rawValue)") {
            try $0.bytes(0)
        }
        return chain == expected.chain
    }
}
