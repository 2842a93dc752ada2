import Foundation
import Testing

/// A program of this package, run to its end.
struct Tool {
    let code: Int32
    let output: String
    let errors: String

    var lines: [Substring] { output.split(separator: "\n") }

    /// Runs it on a thread of its own. Its output goes to files, so that it never waits for a reader.
    static func run(_ program: String, _ arguments: [String]) async throws -> Tool {
        let folder = try TemporaryFolder()
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try runHere(program, arguments, folder) })
            }
        }
    }

    private static func runHere(_ program: String, _ arguments: [String], _ folder: TemporaryFolder) throws -> Tool {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let files = try ["output", "errors"].map { name in
            let path = folder.path + "/" + name
            try Data().write(to: URL(filePath: path))
            return (path, try #require(FileHandle(forWritingAtPath: path)))
        }
        process.standardOutput = files[0].1
        process.standardError = files[1].1
        try process.run()
        process.waitUntilExit()
        let texts = try files.map { String(decoding: try Data(contentsOf: URL(filePath: $0.0)), as: UTF8.self) }
        let isSignal = process.terminationReason == .uncaughtSignal
        return Tool(
            code: process.terminationStatus + (isSignal ? 128 : 0), output: texts[0], errors: texts[1])
    }

    /// The program under measurement, which was built beside the tests.
    static func bench(_ arguments: String...) async throws -> Tool { try await run(try benchProgram(), arguments) }

    /// The floor in C; it builds itself.
    static func floor(_ arguments: String...) async throws -> Tool {
        try await run(packageFolder + "/tools/bench-floor/run", arguments)
    }

    static func python(_ script: String, _ arguments: String...) async throws -> Tool {
        try await run("/usr/bin/env", ["python3", packageFolder + "/" + script] + arguments)
    }

    static let packageFolder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")

    /// Looks beside the test program, and a few folders above it.
    static func benchProgram() throws -> String {
        let itself = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        for start in [itself] + CommandLine.arguments.filter({ $0.contains("/") }) {
            var place = URL(filePath: start)
            for _ in 0..<4 {
                place = place.deletingLastPathComponent()
                let program = place.appending(path: "metastore-bench").path
                var isFolder: ObjCBool = false
                if FileManager.default.fileExists(atPath: program, isDirectory: &isFolder), !isFolder.boolValue {
                    return program
                }
            }
        }
        throw CocoaError(.fileNoSuchFile)
    }
}

/// A folder of its own, removed with its last holder.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/bench-tests-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
