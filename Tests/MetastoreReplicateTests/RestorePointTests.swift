internal import MetastoreModel
internal import MetastoreReplicationCommands
internal import MetastoreReplication
internal import Testing

@Suite struct `A point to restore to` {
    @Test func `is a revision, a time or a label, as it reads`() {
        let time = Timestamp("2026-11-21T03:00:00Z")!
        let points: [(String, Restore.Point?)] = [
            ("1200", .revision(1200)), ("0", .revision(0)), ("newest", .newest),
            ("2026-11-21T03:00:00Z", .time(time)), ("2026-11-21T04:00:00+01:00", .time(time)),
            ("2026-11-21T03:00", .time(time)), ("2026-11-21 03:00", .time(time)),
            ("2026-11-21", .time(Timestamp("2026-11-21T00:00:00Z")!)),
            ("before-upgrade", .label("before-upgrade")), ("release-0.3", .label("release-0.3")),
            ("label:1200", .label("1200")), ("label:newest", .label("newest")), ("revision:7", .revision(7)),
            ("time:2026-11-21T03:00:00Z", .time(time)),
            ("-3", nil), ("", nil), ("revision:x", nil), ("time:7", nil), ("label:", nil),
            ("2026-13-21T03:00:00Z", nil),
        ]
        for (text, expected) in points { #expect(RestorePoint(argument: text)?.point == expected, "\(text)") }
    }
}

@Suite struct `An amount on the command line` {
    @Test func `has a unit, and a bound`() {
        #expect(Age(argument: "30d")?.duration == .seconds(30 * 86_400))
        #expect(Age(argument: "90m")?.duration == .seconds(5_400) && Age(argument: "0s")?.duration == .zero)
        for wrong in ["30", "d", "-1d", "1w", "9999999999999d", "1.5h", ""] { #expect(Age(argument: wrong) == nil) }
        #expect(Size(argument: "10GiB")?.bytes == 10 << 30 && Size(argument: "512")?.bytes == 512)
        #expect(Size(argument: "5 MiB")?.bytes == 5 << 20 && Size(argument: "7B")?.bytes == 7)
        for wrong in ["GiB", "-1", "1GB", "9999999999TiB", ""] { #expect(Size(argument: wrong) == nil) }
        #expect(Need(argument: "replica-1=1200").map { ($0.name, $0.revision) }! == ("replica-1", 1200))
        for wrong in ["=3", "a", "a=", "a=-1"] { #expect(Need(argument: wrong) == nil) }
    }
}
