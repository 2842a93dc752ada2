/// What a searcher is told. Telling it twice changes nothing.
package enum SearcherEvent: Hashable, Sendable {
    /// The experiment begins.
    case started
    /// A trial asked for exists now.
    case trialCreated(RequestID)
    /// A trial was validated after so many batches. A metric that isn't finite ranks last and never goes on.
    case validationCompleted(RequestID, metric: Double, batches: Int)
    /// A trial is done, as it was asked to be.
    case trialClosed(RequestID)
    /// A trial will not go on, whatever it was asked.
    case trialExitedEarly(RequestID, EarlyExit)
}

/// Why a trial ended before its time.
package enum EarlyExit: String, Hashable, Sendable, Codable {
    /// It failed more often than it may.
    case errored
    /// A person ended it.
    case canceled
}

/// What a searcher wants.
package enum SearcherOperation: Hashable, Sendable {
    /// A trial with these hyperparameters. The ordinal, from 0, is its place in the search.
    case create(RequestID, ordinal: Int, Hyperparameters)
    /// That a trial is trained until it has seen so many batches, and validated then.
    case train(RequestID, toBatches: Int)
    /// That a trial ends.
    case close(RequestID)
    /// Nothing more: the search is over.
    case shutdown
}
