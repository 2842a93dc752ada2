internal import Glibc
internal import PostgreSQLServer

/// A program of this package, whose standard output is read; killed when it goes out of scope.
final class Program {
    private let process: Int32
    private let input: Int32
    private let output: UnsafeMutablePointer<FILE>

    init(_ name: String) throws {
        let (toChild, fromChild) = (try makeChannel(), try makeChannel())
        process = try spawn(
            [Self.directory + "/" + name], environment: ["PATH": "/usr/bin:/bin"],
            descriptors: [toChild[0], fromChild[1], 2])
        close(toChild[0])
        close(fromChild[1])
        (input, output) = (toChild[1], fdopen(fromChild[0], "r"))
    }

    deinit {
        signal(SIGKILL)
        awaitEnd(of: process)
        close(input)
        fclose(output)
    }

    /// The next line, without its end; nil when there is none.
    func line() -> String? {
        var buffer: UnsafeMutablePointer<CChar>?
        var size = 0
        defer { free(buffer) }
        guard getline(&buffer, &size, output) > 0, let buffer else { return nil }
        let line = String(cString: buffer)
        return line.hasSuffix("\n") ? String(line.dropLast()) : line
    }

    func signal(_ number: Int32) { kill(process, number) }

    /// Where the binary of the tests lies.
    private static let directory: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path[..<max(length, 0)].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
    }()
}
