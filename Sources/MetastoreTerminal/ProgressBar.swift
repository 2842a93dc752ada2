/// A share as a bar, and as a number.
package enum ProgressBar {
    /// `columns` characters, filled up to the share, which is taken to lie between 0 and 1.
    package static func bar(_ share: Double, columns: Int, _ style: TerminalStyle) -> String {
        let full = Int((min(max(share, 0), 1) * Double(columns)).rounded(.down))
        let (on, off) = style.hasUnicode ? ("█", "░") : ("#", ".")
        return String(repeating: on, count: full) + String(repeating: off, count: columns - full)
    }

    /// Five columns; never 100 % before the end.
    package static func percent(_ share: Double) -> String {
        TerminalText.padded(left: "\(Int((min(max(share, 0), 1) * 100).rounded(.down))) %", to: 5)
    }
}
