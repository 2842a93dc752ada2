internal import FoundationEssentials
internal import Glibc

/// Where a program speaks to: data to the output, everything else to the error stream.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// How text may look there now; a terminal may be resized at any time.
    package var style: TerminalStyle {
        var size = winsize()
        let isTerminal = isatty(rawValue) == 1
        let hasSize = isTerminal && ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return TerminalStyle(
            environment: ProcessInfo.processInfo.environment, isTerminal: isTerminal,
            width: hasSize ? Int(size.ws_col) : 80, height: hasSize ? Int(size.ws_row) : 24)
    }

    /// Writes all of it. Whoever closed the other end of the output wanted no more: the program ends, quietly, with
    /// 141. Where nobody listens to the errors the work goes on.
    package func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EPIPE, self == .output { exit(141) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
