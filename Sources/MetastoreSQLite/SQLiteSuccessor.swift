internal import Glibc
package import MetastoreEngine

extension SQLiteEngine: SuccessionEngine {
    package func makeRoom() throws(EngineError) -> any Successor {
        guard let path = try DatabasePath.resolve(place, makingDirectories: false) else {
            throw EngineError(.missing, operation: "make room", message: "\(place): its directory doesn't exist")
        }
        let arriving = path.database + ".arriving"
        if let holder = try LockFile.holder(arriving + ".lock") {
            throw EngineError(
                .locked(holder: holder), operation: "make room",
                message: "\(arriving) is being made by \(holder). Wait for it, and try again")
        }
        try DatabaseFiles.removeCopy(arriving)
        return SQLiteSuccessor(of: path.database, at: arriving)
    }

    @discardableResult
    package func finishSuccession() throws(EngineError) -> Bool {
        guard try DatabaseFiles(at: place)?.isBeingReplaced == true else { return false }
        return try DatabaseReplacement(path: place).resume() != nil
    }
}

/// A database beside another one, in its directory and so on its device.
struct SQLiteSuccessor: Successor {
    private let path: String
    private let arriving: String

    init(of path: String, at arriving: String) {
        self.path = path
        self.arriving = arriving
    }

    var source: EngineSource { .sqlite(arriving) }

    func takePlace(keepingAs suffix: String, _ finish: (any Connection) throws -> [UInt8]) throws -> String? {
        let replacement = try DatabaseReplacement(path: path)
        // One that was cut off before: the database that is there took its place.
        _ = try replacement.resume()
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let aside = try replacement.replace(byTaking: arriving, keepingAs: "\(name).\(suffix)", finish)
        try? DatabaseFiles.removeCopy(arriving)
        return aside
    }

    func discard() { try? DatabaseFiles.removeCopy(arriving) }
}
