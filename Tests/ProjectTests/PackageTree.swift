import FoundationEssentials
import Testing

/// The files of this package, wherever it was cloned to.
struct PackageTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// What builds and runs leave behind.
    private static let leftOut: Set<String> = [".git", ".swiftpm", "Package.resolved", "quickstart-data"]

    /// The paths of all files, relative to the root, sorted.
    static let files: [String] = {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: root) else { return [] }
        return names.flatMap { name in
            leftOut.contains(name) || name.hasPrefix(".build") ? [] : descend(name)
        }.sorted()
    }()

    /// The folders directly inside `folder`.
    static func folders(in folder: String) -> Set<String> {
        Set(
            files.lazy.filter { $0.hasPrefix(folder + "/") }
                .map { $0.dropFirst(folder.count + 1).split(separator: "/") }
                .filter { $0.count > 1 }.map { String($0[0]) })
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }

    /// The file's text; nil when it isn't UTF-8.
    static func text(_ file: String) -> String? { try? String(contentsOfFile: root + "/" + file, encoding: .utf8) }

    /// Whatever the file is, its bytes as text.
    static func bytesAsText(_ file: String) -> String {
        String(decoding: FileManager.default.contents(atPath: root + "/" + file) ?? Data(), as: UTF8.self)
    }

    private static func descend(_ path: String) -> [String] {
        var isFolder = false
        guard FileManager.default.fileExists(atPath: root + "/" + path, isDirectory: &isFolder) else { return [] }
        guard isFolder else { return [path] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root + "/" + path)) ?? []
        return names.flatMap { name in
            leftOut.contains(name) || name.hasPrefix(".build") ? [] : descend(path + "/" + name)
        }
    }
}

/// A file of Swift, read once for all rules.
struct SourceFile {
    let path: String
    let text: String
    let lines: [SwiftLine]

    init(_ path: String, _ text: String) {
        self.path = path
        self.text = text
        lines = SwiftLines.split(text)
    }

    /// Every Swift file of the package.
    static let all: [SourceFile] = PackageTree.files.filter { $0.hasSuffix(".swift") }
        .map { SourceFile($0, PackageTree.text($0) ?? "") }

    /// Those inside one of the folders.
    static func all(in folders: String...) -> [SourceFile] {
        all.filter { file in folders.contains { file.path.hasPrefix($0 + "/") } }
    }
}

/// Something that breaks a rule, and where.
struct Finding: CustomStringConvertible, Equatable {
    let file: String
    /// Counted from 1; 0 when it is about the file.
    let line: Int
    let reason: String

    var description: String { line == 0 ? "\(file): \(reason)" : "\(file):\(line): \(reason)" }
}

extension [Finding] {
    /// Fails the test with all of them, one a line.
    func expectNone(sourceLocation: SourceLocation = #_sourceLocation) {
        if isEmpty { return }
        Issue.record("\(map(\.description).joined(separator: "\n"))", sourceLocation: sourceLocation)
    }
}
