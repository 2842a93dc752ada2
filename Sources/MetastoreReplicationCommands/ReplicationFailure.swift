internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication

extension CommandFailure {
    /// Gives an error of an archive, or of a follower, its exit status, and its words the place they are about.
    package init(replicating error: any Error, at place: String) {
        switch error {
        case let error as ArchiveError: self.init(Self.status(of: error), Self.text("\(error)", place))
        case let error as LogSourceError:
            let state = Following.state(of: error, TimeSource.system.now())
            self.init(Self.status(of: error), "\(place): \(state)")
        case let error as FollowerError: self.init(.tryLater, Self.text("\(error)", place))
        default: self.init(error, at: place)
        }
    }

    private static func text(_ text: String, _ place: String) -> String {
        text.contains(place) ? text : "\(place): \(text)"
    }

    private static func status(of error: ArchiveError) -> ExitStatus {
        switch error {
        case .unavailable: .tryLater
        case .full: .inputOutput
        case .refused: .permission
        case .tooLarge, .damaged: .damaged
        case .newer: .newerSchema
        case .missing: .missing
        case .behind, .fenced, .forked, .gap, .expired, .exists: .no
        }
    }

    private static func status(of error: LogSourceError) -> ExitStatus {
        switch error {
        case .unavailable: .tryLater
        case .refused: .permission
        case .damaged: .damaged
        case .newer: .newerSchema
        case .compacted, .forked, .behind, .otherCluster: .no
        }
    }
}

/// Whatever goes wrong in `body` is a failure of this place.
func failing<Result>(
    _ screen: CommandScreen, at place: String, _ body: () async throws -> Result
) async throws(CommandFailure) -> Result {
    do {
        let result = try await body()
        screen.clear()
        return result
    } catch {
        screen.clear()
        throw CommandFailure(replicating: error, at: place)
    }
}
