import Testing

/// What a file may not say: where on one machine it was written, or which private service something came from.
enum WordRules {
    /// Roots of paths that are no part of a system anyone else has.
    private static let privateRoots = ["work", "farm"].map { "/\($0)/" }

    /// The only hosts an address may name; examples use the names reserved for them.
    private static let hosts: Set = [
        "github.com", "swift.org", "www.swift.org", "sqlite.org", "www.sqlite.org", "www.postgresql.org",
        "docs.aws.amazon.com", "lz4.org", "json.org", "unicode.org", "localhost", "127.0.0.1",
    ]
    private static let hostEndings = [".example", "example.com", "example.org", ".invalid", ".test"]

    /// Words that are about the making of a file and not about its content, as hashes, so that this file has none.
    private static let words: Set<UInt64> = [
        0x2391_9480_3edf_98f7, 0x2524_b426_1996_11b3, 0x6709_6941_5d8d_8677, 0x125b_6919_1db9_4ab8,
        0xea9e_60ad_81da_16f1, 0x8d2a_dc28_564d_5167, 0x7f7a_7547_86a6_64b8, 0xa113_d274_5d70_6ce3,
    ]

    static func findings(_ file: String, _ text: String) -> [Finding] {
        var findings: [Finding] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            func add(_ reason: String) { findings.append(Finding(file: file, line: index + 1, reason: reason)) }
            for root in privateRoots where line.contains(root) { add("names a path under \(root)") }
            for word in line.split(whereSeparator: { !$0.isLetter && $0 != "-" }) {
                if words.contains(hash(word))
                    || word.split(separator: "-").contains(where: { words.contains(hash($0)) })
                {
                    add("says \(word)")
                }
            }
            for host in hosts(in: line) where !isKnown(host) { add("names the host \(host)") }
        }
        return findings
    }

    private static func isKnown(_ host: String) -> Bool {
        hosts.contains(host) || hostEndings.contains { host.hasSuffix($0) }
    }

    /// The hosts of the addresses in a line; an address that is put together by the program has none.
    static func hosts(in line: Substring) -> [String] {
        var found: [String] = []
        for scheme in ["http://", "https://"] {
            for part in line.split(separator: scheme, omittingEmptySubsequences: false).dropFirst() {
                let address = part.prefix { $0.isLetter || $0.isNumber || ".-@:_".contains($0) }
                let host = address.split(separator: "@").last?.split(separator: ":").first ?? ""
                if host.contains(".") || host == "localhost" { found.append(host.lowercased()) }
            }
        }
        return found
    }

    /// FNV-1a over the word in lower case.
    static func hash(_ word: some StringProtocol) -> UInt64 {
        word.lowercased().utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

@Suite struct `Every file` {
    @Test func `speaks of the project only`() {
        // What is no text may hold a path or a name as well.
        PackageTree.files.flatMap { WordRules.findings($0, PackageTree.bytesAsText($0)) }.expectNone()
    }

    /// A program's output was once committed: it named the machine that it was made on, and no rule for texts saw it.
    @Test func `is text, or a fixture`() {
        let binary = PackageTree.files.filter { !$0.contains("/Fixtures/") && PackageTree.text($0) == nil }
        binary.map { Finding(file: $0, line: 1, reason: "it is no text: what a build or a run made isn't committed") }
            .expectNone()
    }

    @Test func `is read word by word`() {
        let root = "/" + "work/"
        #expect(WordRules.findings("a", "one\n\(root)shared").map(\.line) == [2])
        #expect(WordRules.findings("a", "the network/work of a farmer").isEmpty)
        let word = String("tnatsissa".reversed())
        #expect(WordRules.findings("a", "an \(word.uppercased()).").map(\.line) == [1])
        #expect(WordRules.findings("a", "re-\(word)").map(\.line) == [1])
        let scheme = "https:/" + "/"
        #expect(
            WordRules.hosts(in: "see \(scheme)user@Packages.Host.net:80/x, \(scheme)\\(host)/") == ["packages.host.net"]
        )
        #expect(WordRules.findings("a", "\(scheme)packages.host.net").count == 1)
        #expect(WordRules.findings("a", "\(scheme)github.com/apple").isEmpty)
    }
}
