internal import FaultLoad
internal import FaultSupport
internal import MetastoreReplication
internal import Testing

/// A kind of target: how an empty one is made, and taken away after use.
struct TargetKind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let with: @Sendable (_ body: (any ArchiveTarget) async throws -> Void) async throws -> Void

    /// Every kind keeps the whole contract.
    static let all = [directory]
}

@Suite(.serialized, .timed) struct `An archive's target` {
    @Test(arguments: TargetKind.all) func `gives an object back whole`(_ kind: TargetKind) async throws {
        try await kind.with { target in
            var random = Scale.random(41)
            for size in [0, 1, 4_095, 4_096, 4_097, 300_000] {
                let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                let name = try name("whole/of-\(size)")
                #expect(try await target.create(name, bytes) == .created)
                #expect(try await target.read(name, limit: size) == bytes)
            }
        }
    }

    @Test(arguments: TargetKind.all) func `has nothing under a name that was not taken`(_ kind: TargetKind) async throws
    {
        try await kind.with { target in
            for text in ["a", "a/b", "a/b/c.d"] {
                #expect(try await target.read(name(text), limit: 1) == nil)
                try await target.remove(name(text))
                #expect(try await target.list(under: name(text), after: nil, limit: 10) == [])
            }
        }
    }

    @Test(arguments: TargetKind.all) func `leaves the first object under a taken name`(_ kind: TargetKind) async throws
    {
        try await kind.with { target in
            let epoch = try name("epochs/1")
            #expect(try await target.create(epoch, [1, 2]) == .created)
            for other: [UInt8] in [[1, 2], [3], [], [UInt8](repeating: 4, count: 9_999)] {
                #expect(try await target.create(epoch, other) == .taken)
                #expect(try await target.read(epoch, limit: 10) == [1, 2])
            }
        }
    }

    /// The name is what keeps two masters apart.
    @Test(arguments: TargetKind.all) func `gives a name to one of many who ask at once`(_ kind: TargetKind) async throws
    {
        try await kind.with { target in
            for round in 0..<Scale.of(400) {
                let claim = try name("epochs/\(round)")
                let winners = try await withThrowingTaskGroup(of: UInt8?.self) { group in
                    for creator: UInt8 in 0..<16 {
                        group.addTask {
                            let bytes = [UInt8](repeating: creator, count: 10_000 + Int(creator))
                            let isTaken = try await target.create(claim, bytes) == .taken
                            // Whoever is told so finds it there, whole.
                            if isTaken, let found = try await target.read(claim, limit: 20_000) {
                                #expect(found.count == 10_000 + Int(found.first ?? 255))
                            }
                            return isTaken ? nil : creator
                        }
                    }
                    return try await group.reduce(into: [UInt8]()) { if let creator = $1 { $0.append(creator) } }
                }
                #expect(winners.count == 1)
                let winner = winners.first ?? 255
                let object = [UInt8](repeating: winner, count: 10_000 + Int(winner))
                #expect(try await target.read(claim, limit: 20_000) == object)
            }
        }
    }

    @Test(arguments: TargetKind.all) func `reads no more than it was told to`(_ kind: TargetKind) async throws {
        try await kind.with { target in
            let object = try name("a/b")
            _ = try await target.create(object, [1, 2, 3])
            #expect(try await target.read(object, limit: 3) == [1, 2, 3])
            await #expect(throws: ArchiveError.tooLarge(object: "a/b", bytes: 3, limit: 2)) {
                try await target.read(object, limit: 2)
            }
        }
    }

    @Test(arguments: TargetKind.all) func `frees the name of what was removed`(_ kind: TargetKind) async throws {
        try await kind.with { target in
            let (object, sibling) = (try name("a/b"), try name("a/c"))
            _ = try await target.create(object, [1])
            _ = try await target.create(sibling, [2])
            for _ in 0..<2 {
                try await target.remove(object)
                #expect(try await target.read(object, limit: 1) == nil)
            }
            #expect(try await target.read(sibling, limit: 1) == [2])
            #expect(try await target.create(object, [3]) == .created)
        }
    }

    @Test(arguments: TargetKind.all) func `lists names in the order of their bytes`(_ kind: TargetKind) async throws {
        try await kind.with { target in
            let texts = ["log/a-", "log/a.b", "log/a/c", "log/a/b/c", "log/ab", "log/0", "log/10", "log/9", "other/a"]
            for text in texts { _ = try await target.create(name(text), [1]) }
            let expected = ["log/0", "log/10", "log/9", "log/a-", "log/a.b", "log/a/b/c", "log/a/c", "log/ab"]
            func list(_ after: String?, _ limit: Int) async throws -> [String] {
                let after = try after.map { try name($0) }
                return try await target.list(under: name("log"), after: after, limit: limit).map(\.description)
            }
            #expect(try await list(nil, 100) == expected)
            for limit in 0...expected.count { #expect(try await list(nil, limit) == Array(expected.prefix(limit))) }
            for (index, after) in expected.enumerated() {
                #expect(try await list(after, 100) == Array(expected.dropFirst(index + 1)))
                #expect(try await list(after, 1) == Array(expected.dropFirst(index + 1).prefix(1)))
            }
            // Names that nothing has.
            #expect(try await list("log/a", 100) == Array(expected.dropFirst(3)))
            #expect(try await list("log/a/b", 100) == Array(expected.dropFirst(5)))
            #expect(try await list("log/z", 100) == [])
            #expect(try await list("a", 100) == expected)
        }
    }

    /// More names than a page, in any order of making.
    @Test(arguments: TargetKind.all) func `lists all names in pages`(_ kind: TargetKind) async throws {
        try await kind.with { target in
            var random = Scale.random(42)
            let texts = (0..<2_500).map { "log/\($0 % 3 == 0 ? "x/" : "")\($0 * 7919 % 10_007)" }
                .shuffled(using: &random)
            for text in texts { _ = try await target.create(name(text), []) }
            var (found, after) = ([String](), ArchiveName?.none)
            while true {
                let page = try await target.list(under: name("log"), after: after, limit: 300)
                found += page.map(\.description)
                after = page.last
                guard page.count == 300 else { break }
            }
            #expect(found == Set(texts).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        }
    }
}

/// A name that is one.
func name(_ text: String) throws -> ArchiveName { try #require(ArchiveName(text)) }
