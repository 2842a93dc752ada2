internal import FaultSupport
internal import MetastoreCommandLine
internal import MetastoreTerminal
internal import Synchronization
internal import Testing

@Suite struct `Progress of a command` {
    private func style(_ columns: Int?, isLive: Bool = true) -> TerminalStyle {
        TerminalStyle(isLive: isLive, hasColor: false, hasUnicode: false, width: columns)
    }

    /// What is written when so many of 1,000,000 rows are done after so many seconds.
    private func written(
        _ style: TerminalStyle, _ moments: [(seconds: Double, rows: Int)]
    ) -> [String] {
        let written = Mutex<[String]>([])
        let now = Mutex(Duration.zero)
        let screen = CommandScreen(style) {
            now.withLock { $0 }
        } write: { text in
            written.withLock { $0.append(text) }
        }
        for (seconds, rows) in moments {
            now.withLock { $0 = .seconds(seconds) }
            screen.show("backfill", rows, 1_000_000, "rows")
        }
        return written.withLock { $0 }
    }

    @Test func `is a line every ten seconds where nothing can be painted over`() {
        let moments = (0...25).map { (Double($0), 200_000 + $0 * 1_000) }
        #expect(
            written(style(nil, isLive: false), moments) == [
                "backfill  21 %  210,000 of 1,000,000 rows  1,000/s  13 min 10 s left\n",
                "backfill  22 %  220,000 of 1,000,000 rows  1,000/s  13 min left\n",
            ])
    }

    /// The rows of earlier runs say nothing about this one's rate.
    @Test func `tells no time left before that means something`() {
        let lines = written(style(80), [(0, 200_000), (1, 201_000), (2.9, 202_900), (3, 203_000)])
        #expect(lines.count == 4 && lines.dropLast().allSatisfy { !$0.contains("left") })
        #expect(lines[3].contains("1,000/s  13 min 17 s left"))
        #expect(lines[0] == "\rbackfill ####................ 20 %  200,000 of 1,000,000 rows\u{1B}[K")
    }

    @Test func `leaves out whole parts where it is too narrow, the time left last`() {
        func last(_ columns: Int) -> String {
            let line = written(style(columns), [(0, 200_000), (10, 210_000)])[1]
            return String(line.dropFirst().dropLast(3))
        }
        #expect(last(90) == "backfill ####................ 21 %  210,000 of 1,000,000 rows  1,000/s  13 min 10 s left")
        #expect(last(80) == "backfill  21 %  210,000 of 1,000,000 rows  1,000/s  13 min 10 s left")
        #expect(last(60) == "backfill  21 %  210,000 of 1,000,000 rows  13 min 10 s left")
        #expect(last(40) == "backfill  21 %  13 min 10 s left")
        #expect(last(20) == "backfill  21 %  13 ~")
    }
}

@Suite(.serialized) struct `A backfill on a terminal` {
    @Test(arguments: [40, 80])
    func `is a bar that fits, in colours unless told otherwise`(_ columns: Int) async throws {
        for isPlain in [false, true] {
            let rig = try await Rig(.file)
            try await rig.report()
            try rig.forget(rowsPerSecond: 500)
            let shown = try Tool.onTerminal(
                columns, ["backfill", "run", rig.url], isPlain ? ["NO_COLOR": "1"] : [:])
            let painted = shown.split(separator: "\r").filter { $0.hasPrefix("backfill ") || $0.contains("mbackfill ") }
            #expect(!painted.isEmpty, "\(shown)")
            #expect(shown.contains("\u{1B}[1m") == !isPlain, "\(shown)")
            #expect(shown.contains("####") || shown.contains("█") || columns == 40)
            guard isPlain else { continue }
            for line in shown.replacing("\u{1B}[K", with: "").split(whereSeparator: { $0.isNewline || $0 == "\r" }) {
                #expect(TerminalText.width(String(line)) <= columns || line.contains(rig.directory), "\(line)")
            }
        }
    }
}
