internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreMigration

/// Why a command ended without doing what it was asked for: what to say, and with which status.
package struct CommandFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package let status: ExitStatus
    /// What is, why, what to do and what not to do; never a secret or a row's content.
    package let description: String

    package init(_ status: ExitStatus, _ description: String) {
        self.status = status
        self.description = description
    }

    /// ``description`` with a full stop, for another sentence to follow.
    var sentence: String { description.hasSuffix(".") ? description : description + "." }

    /// Gives an error of any layer its exit status, and its words the place they are about.
    package init(_ error: any Error, at place: String) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as StoreError: self.init(Self.status(of: error), Self.text("\(error)", place))
        case let error as EngineError: self.init(Self.status(of: error), Self.text("\(error)", place))
        case let error as MigrationError: self.init(Self.status(of: error), Self.text("\(error)", place))
        case let error as RecordQuery.Refusal: self.init(.usage, "\(error)")
        case let error as InspectionError: self.init(.missing, "\(error)")
        case is CancellationError: self.init(.tryLater, "\(place): interrupted")
        default: self.init(.inputOutput, Self.text("\(error)", place))
        }
    }

    private static func text(_ text: String, _ place: String) -> String {
        text.contains(place) ? text : "\(place): \(text)"
    }

    private static func status(of error: StoreError) -> ExitStatus {
        switch error {
        case .locked, .unavailable, .queueFull, .snapshotExpired, .writeAheadLogFull, .fenced: .tryLater
        case .damaged, .historyCut, .writeAheadLogMissing, .unfinishedCopy: .damaged
        case .notFound: .missing
        case .schema: .newerSchema
        case .diskFull, .notApplied, .outcomeUnknown: .inputOutput
        case .readOnly, .copied, .follower: .permission
        case .engine(let error): status(of: error)
        case .unusable, .targetNotEmpty: .cannotCreate
        default: .no
        }
    }

    private static func status(of error: EngineError) -> ExitStatus {
        switch error.code {
        case .locked, .busy, .timedOut, .unreachable, .disconnected, .holdLost, .interrupted, .writeAheadLogFull:
            .tryLater
        case .damaged, .notADatabase, .emptyFile: .damaged
        case .missing: .missing
        case .permissionDenied, .readOnly, .untrusted: .permission
        case .full, .inputOutput: .inputOutput
        default: .cannotCreate
        }
    }

    private static func status(of error: MigrationError) -> ExitStatus {
        switch error {
        case .noStore: .missing
        case .newer: .newerSchema
        case .pending: .no
        case .edited, .gap: .drift
        case .locked, .lockLost, .holderAlive: .tryLater
        case .beyondTarget, .unknownTarget: .usage
        case .failed(_, _, _, let error), .outcomeUnknown(_, _, _, let error), .interrupted(_, let error):
            switch status(of: error) {
            case .cannotCreate: .no
            case let status: status
            }
        case .missingText, .missingCatalogue: .cannotCreate
        }
    }
}
