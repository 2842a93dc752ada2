internal import FaultLoad
internal import Glibc
internal import Metastore

/// One line on standard output, in one system call: it is with the reader when this returns, whatever happens next.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

/// "error CASE TEXT", on one line.
func describe(_ error: any Error) -> String {
    let text = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
    return "error \((error as? StoreError)?.label ?? "other") \(text)"
}
