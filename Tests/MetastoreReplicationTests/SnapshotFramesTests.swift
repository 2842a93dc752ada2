internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// What comes over a network is cut, struck, or sent by somebody who lies.
@Suite(.serialized, .timed) struct `A snapshot that comes in frames` {
    /// Lends one of many parts, the state it is of, and empty places.
    private func sending(
        _ body: (SentFrames, StoreContents, _ place: (String) -> EngineSource) async throws -> Void
    ) async throws {
        try await withScratch { root in
            try await RandomHistory.make(in: .sqlite(root + "/sender.db"), commits: 20, name: "frames")
            let store = try await Metastore.open(.sqlite(root + "/sender.db"))
            let (sent, contents) = (try await SentFrames(of: store), try await store.contents())
            await store.close()
            #expect(sent.parts.count > 4 && !sent.log.isEmpty, "a consumer is behind")
            try await body(sent, contents) { .sqlite(root + "/\($0).db") }
        }
    }

    /// What it says, when nothing may be made of it.
    private func refusal(
        _ place: EngineSource, of cluster: UUID, _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        var words = ""
        do {
            _ = try await fill(place, of: cluster, with: bytes)
            Issue.record("it was taken", sourceLocation: sourceLocation)
        } catch let error as LogSourceError {
            words = "\(error)"
        }
        let probe = try place.makeEngine(EngineOptions())
        #expect(try probe.prepare() == .nothing, sourceLocation: sourceLocation)
        probe.close()
        return words
    }

    @Test func `is the state that was sent, however it is cut on the way`() async throws {
        try await sending { sent, contents, place in
            for (number, chunk) in [1, 7, 4_096, 1 << 20].enumerated() {
                let made = place("made-\(number)")
                let position = try await fill(made, of: sent.cluster, with: sent.frames.bytes, chunk: chunk)
                #expect(position == sent.manifest.head.position)
                let replica = try await Metastore.openReplica(made, of: sent.cluster)
                expectSameState(try await replica.contents(), contents)
                #expect(try await replica.verify().isClean)
                await replica.close()
            }
        }
    }

    @Test func `is nothing where it is cut off, at whatever byte`() async throws {
        var random = Seeded("cut off")
        try await sending { sent, _, place in
            let bytes = sent.frames.bytes
            var ends = [0, 1, 4, bytes.count - 1, bytes.count - 4, bytes.count - 5]
            for frames in 1..<sent.frames.count { ends.append(Array(sent.frames.prefix(frames)).bytes.count) }
            for _ in 0..<Seeded.count(100, least: 5) { ends.append(Int.random(in: 0..<bytes.count, using: &random)) }
            for end in ends {
                let words = try await refusal(place("cut"), of: sent.cluster, Array(bytes.prefix(end)))
                #expect(words.contains("cut off after"), "\(end): \(words)")
            }
        }
    }

    /// Every bit is under a checksum, a hash or a length.
    @Test func `is nothing where a bit is flipped, and says in which part`() async throws {
        var random = Seeded("flipped")
        try await sending { sent, _, place in
            for _ in 0..<Seeded.count(400, least: 20) {
                let number = Int.random(in: 0..<sent.frames.count - 1, using: &random)
                var frames = sent.frames
                let byte = Int.random(in: 0..<frames[number].count, using: &random)
                frames[number][byte] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                let words = try await refusal(place("flipped"), of: sent.cluster, frames.bytes)
                guard (1...sent.parts.count).contains(number) else {
                    if number > sent.end { #expect(words.contains("the log of the snapshot"), "\(words)") }
                    continue
                }
                #expect(words.contains("part \(number - 1)"), "frame \(number), byte \(byte): \(words)")
                // A flipped format is one that a newer release would write.
                #expect(words.contains("byte ") || words.hasPrefix("newer"), "\(words)")
            }
        }
    }

    @Test func `is nothing where parts are missing, doubled, swapped or another's`() async throws {
        try await sending { sent, _, place in
            func refused(_ name: String, _ frames: [[UInt8]], _ says: String) async throws {
                let words = try await refusal(place(name), of: sent.cluster, frames.bytes)
                #expect(words.contains(says), "\(name): \(words)")
            }
            var frames = sent.frames
            frames.swapAt(2, 3)
            try await refused("swapped", frames, "part 1 of the snapshot, byte")
            frames = sent.frames
            frames.insert(frames[2], at: 3)
            try await refused("doubled", frames, "part 2 of the snapshot, byte")
            frames = sent.frames
            frames.remove(at: 2)
            try await refused("missing", frames, "part 1 of the snapshot, byte")
            frames = sent.frames
            frames.remove(at: sent.parts.count)
            try await refused("without the last", frames, "its manifest has \(sent.parts.count)")
            try await refused(
                "without its log", Array(sent.frames.prefix(sent.end + 1)) + [[]], "its log ends at revision")
            frames = sent.frames
            frames.insert(frames[sent.end + 1], at: sent.end + 1)
            try await refused("with its log doubled", frames, "go on after revision")
            try await refused("twice", sent.frames + sent.frames, "something follows its end")
            try await refused("no beginning", Array(sent.frames.dropFirst()), "the beginning of the snapshot")
            try await refused("no parts", [sent.manifest.bytes, []], "about to come")
            try await refused(
                "told", [sent.frames[0], SnapshotFrames.refusal(StoreError.snapshotExpired)], "after 0 parts")
            let other = try await refusal(place("other"), of: UUID(), sent.frames.bytes)
            #expect(other == "\(LogSourceError.otherCluster)")
        }
    }

    /// Somebody who knows the format makes every checksum right.
    @Test func `is nothing where it lies about its rows`() async throws {
        try await sending { sent, _, place in
            var lie = sent
            let name = Array("mnist".utf8)
            let number = try #require(sent.parts.firstIndex { $0.content.firstRange(of: name) != nil })
            lie.change(part: number) { content in
                let place = content.firstRange(of: name)!.lowerBound
                content[place] = UInt8(ascii: "k")
            }
            lie.seal()
            let hash = try await refusal(place("hash"), of: sent.cluster, lie.frames.bytes)
            #expect(hash.contains("part \(number) of the snapshot") && hash.contains("hash"), "\(hash)")
            // The last part's rows have no hash of their own, or a digest lacks them: their count tells.
            lie = sent
            lie.parts.removeLast()
            lie.seal()
            let count = try await refusal(place("count"), of: sent.cluster, lie.frames.bytes)
            #expect(count.contains("counts other rows"), "\(count)")
            lie = sent
            lie.parts[1] = SnapshotPart(
                cluster: sent.cluster, snapshot: sent.manifest.id, number: 1, content: sent.parts[1].content + [9])
            lie.seal()
            let table = try await refusal(place("table"), of: sent.cluster, lie.frames.bytes)
            #expect(table.contains("part 1 of the snapshot"), "\(table)")
        }
    }

    /// The manifests at both ends have to be of one moment.
    @Test func `is nothing where it ends as another than it began`() async throws {
        try await sending { sent, _, place in
            let manifest = sent.manifest
            let others = [
                SnapshotManifest(
                    form: .portable, attempt: manifest.attempt ^ 1, anchor: manifest.anchor, head: manifest.head,
                    tables: manifest.tables, parts: manifest.parts),
                SnapshotManifest(
                    form: .image, attempt: manifest.attempt, anchor: manifest.anchor, head: manifest.head,
                    tables: manifest.tables, parts: manifest.parts),
            ]
            for (number, other) in others.enumerated() {
                var frames = sent.frames
                frames[sent.end] = other.bytes
                let words = try await refusal(place("\(number)"), of: sent.cluster, frames.bytes)
                #expect(words.contains("another moment"), "\(words)")
            }
        }
    }

    @Test func `takes no memory for what it only declares`() throws {
        var (cutter, patient) = (FrameCutter(), FrameCutter())
        var refusal: LogSourceError?
        var early: [UInt8]?
        let growth = try Memory.growth {
            cutter.add([0xFF, 0xFF, 0xFF, 0xFF] + [1, 2, 3])
            do throws(LogSourceError) { _ = try cutter.next() } catch { refusal = error }
            patient.add([0x03, 0x00, 0x00, 0x00] + [1, 2, 3])
            early = try patient.next()
        }
        #expect("\(refusal as Any)".contains("declares 4294967295 bytes") && early == nil)
        #expect(growth < 8 << 20)
    }

    /// A snapshot that nobody takes ends with the time it was given, or when the log is full: writes go on.
    @Test func `holds the log of its store no longer than that allows`() async throws {
        try await withScratch { root in
            var limits = SQLiteLimits()
            (limits.truncateBytes, limits.expireReadsBytes) = (4 << 20, 8 << 20)
            let (bounds, path) = (limits, root + "/sender.db")
            var options = StoreOptions()
            (options.snapshotAge, options.housekeepingInterval) = (.milliseconds(50), .milliseconds(5))
            let source = EngineSource { SQLiteEngine(path: path, options: $0, limits: bounds) }
            let store = try await Metastore.open(source, options)
            try await store.fillUp(16)
            func size() throws -> Int {
                var status = stat()
                guard stat(path + "-wal", &status) == 0 else { throw Failure("stat") }
                return Int(status.st_size)
            }
            let slow = SentSnapshot(of: store, within: .seconds(60))
            #expect(try await slow.next() != nil)
            try await Task.sleep(for: .milliseconds(60))
            try await store.fillUp(8)
            #expect(
                try await eventually {
                    try await store.fillUp(1)
                    return try size() <= 8 << 20
                })
            await #expect(throws: StoreError.snapshotExpired) { while try await slow.next() != nil {} }
            let late = SentSnapshot(of: store, within: .milliseconds(30))
            try await Task.sleep(for: .milliseconds(200))
            await #expect(throws: StoreError.snapshotExpired) { while try await late.next() != nil {} }
            // Whoever takes it gets all of it, and a store that closes tells whoever didn't.
            #expect(try await SentFrames.all(of: store).count > 4)
            let left = SentSnapshot(of: store, within: .seconds(60))
            #expect(try await left.next() != nil)
            await store.close()
            await #expect(throws: StoreError.closed) { while try await left.next() != nil {} }
        }
    }
}

extension Metastore {
    /// Puts so many values of a MiB that nothing makes smaller.
    func fillUp(_ count: Int) async throws {
        var random = SystemRandomNumberGenerator()
        for number in 0..<count {
            var value = [UInt8](repeating: 0, count: 1 << 20)
            value.withUnsafeMutableBytes { bytes in
                let words = bytes.bindMemory(to: UInt64.self)
                for index in words.indices { words[index] = random.next() }
            }
            try await keyValue.put(EntryKey(namespace: "big", key: "\(number)"), value)
        }
    }
}
