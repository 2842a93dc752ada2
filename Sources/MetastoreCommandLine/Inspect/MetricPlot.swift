package import MetastoreInspection
package import MetastoreTerminal

/// A curve drawn with characters: dots of Braille patterns where the terminal has them, else stars.
package struct MetricPlot {
    private static let rows = 10

    private let curve: MetricCurve

    package init(_ curve: MetricCurve) { self.curve = curve }

    /// A title, the curve with its scale, and where it begins and ends.
    package func lines(_ style: TerminalStyle) -> [String] {
        let kind = curve.isValidation ? "validation" : "training"
        let finite = curve.points.filter { $0.value.isFinite }
        let others = curve.points.count - finite.count
        var title: [TerminalStyle.Span] = [
            .init("trial \(curve.trial)  \(curve.name)", .bold),
            .init("  \(kind), \(Shown.count(curve.points.count, "point"))", .dim),
        ]
        if others > 0 { title.append(.init("  (\(others) NaN or infinite, not drawn)", .yellow)) }
        guard let low = finite.map(\.value).min(), let high = finite.map(\.value).max(),
            let first = finite.first, let last = finite.last
        else { return [style.line(title), ""] }
        let labels = [Shown.number(high), Shown.number(low)]
        let margin = labels.map(TerminalText.width).max() ?? 0
        let columns = max(10, min(100, (style.width ?? 80) - margin - 3))
        let canvas = draw(finite, low...high, columns: columns, style)
        var lines = [style.line(title)]
        for (row, text) in canvas.enumerated() {
            let label = row == 0 ? labels[0] : row == canvas.count - 1 ? labels[1] : ""
            lines.append(
                style.line([
                    .init(TerminalText.padded(left: label, to: margin) + (style.hasUnicode ? " │" : " |"), .dim),
                    .init(text, .cyan),
                ]))
        }
        let (from, to) = ("\(first.totalBatches)", "\(last.totalBatches) batches")
        let gap = max(1, columns - from.count - to.count)
        lines.append(
            style.line([
                .init(String(repeating: " ", count: margin + 2) + from + String(repeating: " ", count: gap) + to, .dim)
            ]))
        return lines + [""]
    }

    private func draw(
        _ points: [MetricCurve.Point], _ range: ClosedRange<Double>, columns: Int, _ style: TerminalStyle
    ) -> [String] {
        let (across, down) = style.hasUnicode ? (2, 4) : (1, 1)
        let (width, height) = (columns * across, Self.rows * down)
        let start = Double(points.first?.totalBatches ?? 0)
        let length = max(1, Double(points.last?.totalBatches ?? 0) - start)
        let span = range.upperBound - range.lowerBound
        var dots = Array(repeating: Array(repeating: false, count: width), count: height)
        for point in points {
            let x = Int((Double(point.totalBatches) - start) / length * Double(width - 1))
            let share = span > 0 ? (point.value - range.lowerBound) / span : 0.5
            guard share.isFinite else { continue }
            let y = Int((1 - share) * Double(height - 1))
            if dots.indices.contains(y), dots[y].indices.contains(x) { dots[y][x] = true }
        }
        return (0..<Self.rows).map { row in
            let text = (0..<columns).map { column in
                style.hasUnicode ? Self.braille(dots, row, column) : dots[row][column] ? "*" : " "
            }.joined()
            return String(text.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// Unicode's Braille patterns: a cell of two by four dots is one character.
    private static func braille(_ dots: [[Bool]], _ row: Int, _ column: Int) -> String {
        let bits = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
        var code: UInt32 = 0
        for y in 0..<4 {
            for x in 0..<2 where dots[row * 4 + y][column * 2 + x] { code |= UInt32(bits[y][x]) }
        }
        return code == 0 ? " " : String(Character(Unicode.Scalar(0x2800 + code) ?? " "))
    }
}
