/// Words of a command line that somebody may paste into a shell.
package enum ShellText {
    /// The word as a POSIX shell takes it for one: as it is where nothing in it means anything there, else in quotes.
    package static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "0123456789/._-+=:@".utf8.contains(byte)
        }
        return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
