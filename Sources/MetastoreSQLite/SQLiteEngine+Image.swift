internal import Glibc
package import MetastoreEngine

/// The database as the bytes of one file.
extension SQLiteEngine: ImageEngine {
    package func forEachImageChunk(
        of connection: any Connection, most: Int, _ body: (_ chunk: [UInt8], _ of: Int) throws -> Void
    ) throws {
        guard let source = connection as? SQLiteConnection, let database = knownPath?.database else {
            throw EngineError(.misuse, operation: "copy", message: "an image needs a connection of its own engine")
        }
        let path = database + ".image-" + String(UInt64.random(in: .min ... .max), radix: 16)
        let file = try OpenFile(path, O_RDWR | O_CREAT | O_EXCL, operation: "copy")
        // SQLite has it open once the first pages are there: it needs its name no longer.
        var isNamed = true
        func forget() {
            if isNamed { unlink(path) }
            isNamed = false
        }
        defer { forget() }
        try source.copyImage(to: path) { _, _ in forget() }
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { throw systemError("copy", path) }
        let size = Int(status.st_size)
        for offset in stride(from: 0, to: size, by: most) {
            let chunk = try file.read(min(most, size - offset), at: offset, operation: "copy")
            guard chunk.count == min(most, size - offset) else {
                throw EngineError(.inputOutput, operation: "copy", message: "\(path) became shorter while it was read")
            }
            try body(chunk, size)
        }
    }

    package func create(
        filledBy fill: (_ write: ([UInt8]) throws -> Void) throws -> Void,
        _ populate: (any Connection) throws -> Void
    ) throws -> Bool {
        try make { path in
            try path.create(
                options,
                image: { creating in
                    let file = try OpenFile(creating, O_WRONLY, operation: "create")
                    var end = 0
                    try fill { bytes in
                        try file.write(bytes, at: end, operation: "create")
                        end += bytes.count
                    }
                }, populate)
        }
        return true
    }
}
