internal import FoundationEssentials
internal import Glibc

/// Lends a directory of its own, on a disk; it is gone afterwards.
@discardableResult
package func withScratch<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    var template = Array("/var/tmp/metastore-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw CocoaError(.fileWriteUnknown) }
    let root = String(cString: made)
    defer { try? FileManager.default.removeItem(atPath: root) }
    return try await body(root)
}
