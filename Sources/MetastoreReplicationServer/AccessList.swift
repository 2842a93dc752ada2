// Invariants
// 1. A token is kept as its hash, compared with every entry in the same time, and never logged.
// 2. Who is in no entry may do nothing; a certificate of the right authority alone is none.

internal import Crypto
internal import FoundationEssentials
internal import Glibc
internal import NIOSSL

/// What somebody may do at a server.
public enum AccessRole: String, Sendable, Hashable {
    /// Take the whole log, and what `read` may.
    case follow
    /// Watch changes, health and metrics.
    case read

    func includes(_ other: AccessRole) -> Bool { self == .follow || other == .read }
}

/// Who may do what at a server.
///
/// A file has one entry a line: a role, a name, the word `token` or `certificate`, and the token, of at least 16
/// characters, or the SHA-256 of the certificate in hexadecimal, as `openssl x509 -fingerprint -sha256` prints it.
/// ```
/// # role   name       what
/// follow   replica-1  certificate  5F:0B:…
/// read     dashboard  token        kX3…
/// ```
public struct AccessList: Sendable {
    struct Holder: Sendable, Hashable {
        let name: String
        let role: AccessRole
    }

    private struct Entry: Sendable {
        let holder: Holder
        let isToken: Bool
        let hash: [UInt8]
    }

    private var entries: [Entry] = []
    /// A shorter token could be guessed.
    static let shortestToken = 16
    static let longestToken = 512

    /// Nobody.
    public init() {}

    /// Reads a file, which nobody but its owner may read.
    ///
    /// - Throws: ``ReplicationServerError/file(path:reason:)``, with the line; never with what stands there.
    public init(path: String) throws(ReplicationServerError) {
        func failure(_ reason: String) -> ReplicationServerError { .file(path: path, reason: reason) }
        try OwnFile.check(path)
        guard let text = try? String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self) else {
            throw failure("it can't be read")
        }
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            guard words.count == 4, let role = AccessRole(rawValue: first) else {
                throw failure("line \(index + 1) is not: role name token|certificate what")
            }
            do throws(ReplicationServerError) {
                switch words[2] {
                case "token": try allow(words[1], role, token: words[3])
                case "certificate": try allow(words[1], role, certificate: words[3])
                default: throw .file(path: path, reason: "neither a token nor a certificate")
                }
            } catch {
                guard case .file(_, let reason) = error else { throw error }
                throw failure("line \(index + 1): \(reason)")
            }
        }
    }

    /// Lets the bearer of a token do something.
    ///
    /// - Throws: ``ReplicationServerError/file(path:reason:)`` for a token that is too short or too long.
    public mutating func allow(
        _ name: String, _ role: AccessRole, token: String
    ) throws(ReplicationServerError) {
        guard (Self.shortestToken...Self.longestToken).contains(token.utf8.count) else {
            throw .file(path: "the token of \(name)", reason: "a token has \(Self.shortestToken) characters or more")
        }
        entries.append(Entry(holder: Holder(name: name, role: role), isToken: true, hash: Self.hash(token)))
    }

    /// Lets the holder of a certificate do something.
    ///
    /// - Parameter certificate: its SHA-256, hexadecimal, with or without colons.
    /// - Throws: ``ReplicationServerError/file(path:reason:)`` for what is none.
    public mutating func allow(
        _ name: String, _ role: AccessRole, certificate: String
    ) throws(ReplicationServerError) {
        let digits = certificate.filter { $0 != ":" }
        let bytes = stride(from: 0, to: digits.utf8.count, by: 2).compactMap { offset -> UInt8? in
            let start = digits.index(digits.startIndex, offsetBy: offset)
            return UInt8(digits[start...].prefix(2), radix: 16)
        }
        guard digits.utf8.count == 64, bytes.count == 32 else {
            throw .file(path: "the certificate of \(name)", reason: "its SHA-256 has not 64 hexadecimal digits")
        }
        entries.append(Entry(holder: Holder(name: name, role: role), isToken: false, hash: bytes))
    }

    var hasTokens: Bool { entries.contains(where: \.isToken) }

    func holder(token: String) -> Holder? {
        guard token.utf8.count <= Self.longestToken else { return nil }
        return holder(Self.hash(token), isToken: true)
    }

    func holder(certificate: NIOSSLCertificate) -> Holder? {
        guard let bytes = try? certificate.toDERBytes() else { return nil }
        return holder(Array(SHA256.hash(data: bytes)), isToken: false)
    }

    private func holder(_ hash: [UInt8], isToken: Bool) -> Holder? {
        var found: Holder?
        for entry in entries {
            // All are looked at, and all bytes of each, whatever was found.
            var difference: UInt8 = entry.isToken == isToken ? 0 : 1
            for (one, other) in zip(entry.hash, hash) { difference |= one ^ other }
            if difference == 0 { found = entry.holder }
        }
        return found
    }

    private static func hash(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }
}

/// A file with something secret in it.
enum OwnFile {
    /// Makes sure that nobody but its owner may read it.
    static func check(_ path: String) throws(ReplicationServerError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .file(path: path, reason: String(cString: strerror(errno))) }
        guard status.st_mode & 0o077 == 0 else {
            throw .file(path: path, reason: "others may read it. Take that away: chmod 600")
        }
    }
}
