internal import Glibc

/// What the program was called with, also where `/proc` isn't mounted: Swift's `CommandLine` reads it there, and has
/// nothing in a bare chroot.
package enum ProgramArguments {
    private static let most = 65_536

    /// Without the program's own name.
    package static var all: [String] {
        let known = CommandLine.arguments
        return Array((known.isEmpty ? onStack() : known).dropFirst())
    }

    /// A process begins with the number of its arguments, the arguments, a null, its environment, one after the other
    /// on its stack (the System V ABI, section 3.4.1), and nobody has moved the environment yet.
    static func onStack() -> [String] {
        let environment = environ
        guard environment[-1] == nil else { return [] }
        var found: [String] = []
        for count in 0..<most {
            let word = environment[-2 - count]
            if UInt(bitPattern: word) == UInt(count) { return found.reversed() }
            guard let word else { return [] }
            found.append(String(cString: word))
        }
        return []
    }
}
