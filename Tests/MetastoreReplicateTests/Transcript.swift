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
        ExpectedText.undocumented(ExpectedText(name).text, in: "REPLICATE.md")
    }

    /// The same of a text.
    static func undocumented(_ text: String) -> (members: Set<String>, of: Int) {
        ExpectedText.undocumented(text, in: "REPLICATE.md")
    }

    private func normalised(_ rig: Rig) -> String {
        text.replacing(/postgresql:\/\/[^ ",\n]*/, with: "URL")
            .replacing(rig.root, with: "ROOT")
            .replacing(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "CLUSTER")
            .replacing(/(\d+)-[0-9a-f]{16}:(\d+):[0-9a-f]{16}/) { "\($0.1)-NONCE:\($0.2):LINK" }
            .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/, with: "TIME")
            .replacing(/"([a-zA-Z]*[sS]econds)" ?: ?[0-9.e-]+/) { "\"\($0.1)\" : N" }
            .replacing(/"([a-zA-Z]*[bB]ytes[a-zA-Z]*)" ?: ?\d+/) { "\"\($0.1)\" : N" }
            .replacing(/\b\d+(\.\d)? (µs|ms|s)\b/, with: "DURATION")
            .replacing(/\b\d+(\.\d)? (B|KiB|MiB|GiB|TiB)\b/, with: "SIZE")
            .replacing(/[0-9a-f]{64}/, with: "SHA256")
    }
}
