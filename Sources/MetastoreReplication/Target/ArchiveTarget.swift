// Invariants
// 1. An object never changes: its name is taken once, by a whole object, until retention removes it.
// 2. What was answered is durable: the object, and its name.
// 3. Nothing that is promised depends on listing, on clocks or on the times of files.

internal import MetastoreModel

/// Where an archive lies: named objects, each written once.
///
/// A target keeps bytes and nothing else: what they mean, and whether an object under a taken name is the same, is
/// decided by who put it there. An object store fits behind it with a conditional put.
public protocol ArchiveTarget: Sendable {
    /// For messages: a path, or a URL without anything secret.
    var place: String { get }

    /// Puts an object under a name that nothing has.
    ///
    /// - Returns: whether it is there now because of this call. `taken` says that something is there, whole; it may be
    ///   the same bytes, from a call whose answer was lost.
    /// - Throws: ``ArchiveError``. After `unavailable` nobody knows whether the object is there: ask again.
    func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation

    /// An object's bytes, or nil where there is none.
    ///
    /// - Parameter limit: an object of more bytes is refused, before it is read.
    /// - Throws: ``ArchiveError``: `tooLarge`, or what a place may fail with.
    func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]?

    /// Removes an object; none is no error.
    func remove(_ name: ArchiveName) async throws(ArchiveError)

    /// Names below a name, ascending, after one of them. For people and for retention: what was made lately may be
    /// missing.
    func list(under name: ArchiveName, after: ArchiveName?, limit: Int) async throws(ArchiveError) -> [ArchiveName]
}

extension ArchiveTarget {
    /// Every name below a name, ascending, page by page: memory is that of a page.
    func forEachName(
        under folder: ArchiveName, _ body: (ArchiveName) async throws(ArchiveError) -> Void
    ) async throws(ArchiveError) {
        var last: ArchiveName?
        while true {
            let page = try await list(under: folder, after: last, limit: Limits.listedNames)
            for name in page { try await body(name) }
            guard page.count == Limits.listedNames else { return }
            last = page.last
        }
    }
}

/// Whose object has a name.
public enum ArchiveCreation: Sendable, Hashable {
    /// It is the one that was given.
    case created
    /// One was there before. It was left alone.
    case taken
}

/// The name of an object: words with slashes between, the same on every target.
public struct ArchiveName: Sendable, Hashable, CustomStringConvertible {
    /// As it is written.
    public let description: String

    /// A name is at most so long, in bytes.
    static let longest = 200

    /// - Parameter words: each of `a`–`z`, `0`–`9`, `-` and inner dots.
    /// - Returns: nil where a word is anything else.
    public init?(words: [String]) {
        let name = words.joined(separator: "/")
        guard !words.isEmpty, name.utf8.count <= Self.longest, words.allSatisfy(Self.isWord) else { return nil }
        description = name
    }

    /// A name as it is written; nil for what is none.
    public init?(_ text: String) {
        self.init(words: text.split(separator: "/", omittingEmptySubsequences: false).map(String.init))
    }

    /// The words between the slashes.
    public var words: [Substring] { description.split(separator: "/") }

    private static func isWord(_ word: String) -> Bool {
        guard let first = word.utf8.first, let last = word.utf8.last, first != UInt8(ascii: "."),
            last != UInt8(ascii: ".")
        else { return false }
        return word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "-"), UInt8(ascii: "."): true
            default: false
            }
        }
    }
}
