internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel

/// What an agent tells the master of a workload that is done: one key-value entry, which the feed delivers.
///
/// An experiment's reports share one entry, each replacing the one before, and each carries the number of the
/// event it reports. So a report that is sent again, by an agent that doesn't know whether the first one
/// arrived, either changes nothing or is recognised as old.
struct AgentReport: Codable, Hashable, Sendable {
    /// How many events came before.
    let event: Int
    let key: WorkloadKey
    /// The results, if the workload has any.
    var metrics: Metrics?
    /// The files of a checkpoint, which are on disk and flushed, with their sizes.
    var files: Resources?

    static let namespace = "quickstart-reports"

    /// Where the reports of an experiment stand.
    static func entry(of experiment: ID<Experiment>) -> EntryKey {
        EntryKey(namespace: namespace, key: "\(experiment)")
    }

    /// The report as stored: JSON with sorted keys, so that equal reports have equal bytes.
    var bytes: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return Array(try encoder.encode(self))
        }
    }

    init(event: Int, key: WorkloadKey) {
        self.event = event
        self.key = key
    }

    init(_ bytes: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) }
}
