/// What a file is called until its object has a name: a dot, which no object's name begins with, and random digits.
enum TemporaryName {
    private static let beginning = ".new-"
    private static let digits = 32

    static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        let number = String(UInt128.random(in: .min ... .max, using: &generator), radix: 16)
        return beginning + String(repeating: "0", count: digits - number.count) + number
    }

    static func matches(_ name: String) -> Bool {
        name.hasPrefix(beginning) && name.utf8.count == beginning.utf8.count + digits
            && name.dropFirst(beginning.count).utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }
}
