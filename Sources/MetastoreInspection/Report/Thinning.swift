/// Fewer points that look the same: of each stretch of a curve the lowest and the highest stay.
package enum Thinning {
    /// At most `most` of them, in their order, with the first, the last, the lowest and the highest of all.
    package static func thinned(_ points: [ReportData.Curve.Point], to most: Int) -> [ReportData.Curve.Point] {
        guard points.count > most, most >= 4 else { return points }
        let inner = 1..<points.count - 1
        let stretches = (most - 2) / 2
        var kept: [ReportData.Curve.Point] = [points[0]]
        for stretch in 0..<stretches {
            let start = inner.lowerBound + inner.count * stretch / stretches
            let end = inner.lowerBound + inner.count * (stretch + 1) / stretches
            guard let low = (start..<end).min(by: { points[$0].value < points[$1].value }),
                let high = (start..<end).max(by: { points[$0].value < points[$1].value })
            else { continue }
            kept.append(points[min(low, high)])
            if low != high { kept.append(points[max(low, high)]) }
        }
        kept.append(points[points.count - 1])
        return kept
    }
}
