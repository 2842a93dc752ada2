internal import Glibc
internal import Synchronization
internal import Testing
internal import TranscriptSupport

extension Transcript {
    mutating func addErrors(of rig: Rig) { addErrors(rig.said.withLock { $0 }) }

    /// Compares it with the file of this name.
    func compare(with name: String, _ rig: Rig) throws { try ExpectedText(name).compare(normalised(rig)) }

    /// The members of all objects in a file of answers that the document about them doesn't name, and how many members
    /// there are.
    static func undocumented(in name: String) -> (members: Set<String>, of: Int) {
        ExpectedText.undocumented(ExpectedText(name).text, in: "MIGRATE.md")
    }

    private func normalised(_ rig: Rig) -> String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.replacing(rig.url + "&schema=", with: "URL&schema=").replacing(rig.url, with: "STORE")
            .replacing(rig.directory, with: "DIRECTORY")
            .replacing(/\d{8}T\d{6}(\.\d+)?Z(-\d)?/, with: "STAMP")
            .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/, with: "TIME")
            .replacing(/"([a-zA-Z]*[sS]econds)" : [0-9.e-]+/) { "\"\($0.1)\" : N" }
            .replacing(/"([a-zA-Z]*[bB]ytes[a-zA-Z]*)" : \d+/) { "\"\($0.1)\" : N" }
            .replacing(/\b\d+(\.\d)? (µs|ms|s)\b/, with: "DURATION")
            .replacing(/\b\d+(\.\d)? (B|KiB|MiB|GiB|TiB)\b/, with: "SIZE")
            .replacing(/[0-9a-f]{64}/, with: "SHA256").replacing(/\b[0-9a-f]{12}\b/, with: "SHA")
            .replacing("\"\(host)\"", with: "\"HOST\"").replacing(" on \(host),", with: " on HOST,")
            .replacing(" on \(host) ", with: " on HOST ").replacing("  \(host) ", with: "  HOST ")
            .replacing("process \(getpid()) ", with: "process PID ")
            .replacing(/\ \ \ +/, with: "  ")
    }
}
