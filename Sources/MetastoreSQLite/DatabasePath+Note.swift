internal import Glibc
internal import MetastoreEngine

extension DatabasePath {
    /// Replaces the note as a whole. The directory isn't flushed: after a crash the note is this one or the one before.
    func keepNote(_ note: [UInt8]) throws(EngineError) {
        guard note.count <= SQLiteLimits.noteBytes else {
            throw EngineError(.tooBig, operation: "keep a note", message: "a note has at most 64 KiB")
        }
        let unfinished = self.note + ".creating"
        try write(note, to: unfinished)
        guard rename(unfinished, self.note) == 0 else { throw systemError("keep a note", self.note) }
    }

    /// The note last kept, or nil.
    func readNote() throws(EngineError) -> [UInt8]? {
        guard try fileStatus(note, operation: "read the note") != nil else { return nil }
        return try OpenFile(note, O_RDONLY, operation: "read the note")
            .read(SQLiteLimits.noteBytes, at: 0, operation: "read the note")
    }

    private func write(_ note: [UInt8], to path: String) throws(EngineError) {
        let file = try OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, operation: "keep a note")
        try file.restrictToOwner()
        try file.write(note, at: 0, operation: "keep a note")
        try file.flush(operation: "keep a note")
    }
}
