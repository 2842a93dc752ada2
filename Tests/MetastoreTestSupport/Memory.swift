internal import FoundationEssentials

/// What this process takes of the machine's memory.
package enum Memory {
    /// By how many bytes it grew during the call, at the most at once.
    package static func growth(_ body: () throws -> Void) throws -> Int {
        // Forgets the most so far.
        try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        let before = try read("VmRSS")
        try body()
        return try read("VmHWM") - before
    }

    private static func read(_ name: String) throws -> Int {
        let status = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/status")), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        guard let kibibytes = line.flatMap({ Int($0.filter(\.isNumber)) }) else { throw CocoaError(.fileReadUnknown) }
        return kibibytes << 10
    }
}
