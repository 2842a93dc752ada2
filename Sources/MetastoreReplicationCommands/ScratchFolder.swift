internal import FoundationEssentials
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreSQLite

/// A folder that is gone when the work in it is done, or was cut off by a signal. A kill leaves it.
struct ScratchFolder: Sendable {
    let path: String

    /// - Parameters:
    ///   - directory: where it is made.
    ///   - advice: what is said where none can be made.
    init(in directory: String, for purpose: String, _ advice: String) throws(CommandFailure) {
        let name = "metastore-\(purpose)-\(UUID().text)"
        path = directory.hasSuffix("/") ? directory + name : directory + "/" + name
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure(.cannotCreate, "\(directory): no folder can be made there. \(advice)")
        }
    }

    func file(_ name: String) -> String { path + "/\(name).db" }
    func store(_ name: String) -> EngineSource { .sqlite(inExistingDirectory: file(name)) }
    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
