internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// Rows that can't be in the new store, one JSON object a line. The file is made with the first of them, readable by
/// its owner alone, under a name of its own until it is whole.
final class AsideFile {
    let path: String
    private let making: String
    private var descriptor: Int32 = -1
    private var buffer: [UInt8] = []

    /// Refuses to write over an earlier one.
    init(beside target: String) throws(EngineError) {
        path = target + ".salvage.ndjson"
        making = path + ".creating"
        var status = stat()
        guard lstat(path, &status) != 0 else {
            throw EngineError(
                .permissionDenied, operation: "create",
                message: "\(path) is there already. Move it away, or name another target")
        }
    }

    deinit {
        if descriptor >= 0 {
            Glibc.close(descriptor)
            unlink(making)
        }
    }

    var isEmpty: Bool { descriptor < 0 }

    func add(_ row: SalvagedAside) throws {
        if descriptor < 0 {
            unlink(making)
            descriptor = open(making, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw failure("create") }
            fchmod(descriptor, 0o600)
        }
        let kind =
            row.key.flatMap(RecordKey.init(path:))?.kind ?? RecordKind.allCases.first { $0.table.name == row.table }
        let values = NamedValues(row.values.map { (key: $0.name, value: Self.json($0.value)) })
        var members: [(key: String, value: JSON)] = [
            (key: "kind", value: .string(kind?.name ?? row.table)), (key: "why", value: .string(row.why)),
            (key: "values", value: .object(values)),
        ]
        if let key = row.key { members.append((key: "key", value: .string(key))) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        buffer += try encoder.encode(JSON.object(NamedValues(members)))
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count > 1 << 20 { try flush() }
    }

    /// Bytes as base64, times as people write them.
    private static func json(_ value: Value) -> JSON {
        switch value {
        case .null: .null
        case .integer(let number): .integer(number)
        case .real(let number): .number(number)
        case .text(let text): .string(text)
        case .bytes(let bytes): .string(Data(bytes).base64EncodedString())
        case .uuid(let uuid): .string(uuid.uuidString.lowercased())
        case .timestamp(let time): .string("\(Timestamp(microseconds: time))")
        }
    }

    private func flush() throws {
        var written = 0
        while written < buffer.count {
            let count = buffer[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write") }
            written += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Gives it its name.
    func finish() throws {
        guard descriptor >= 0 else { return }
        try flush()
        guard fsync(descriptor) == 0, rename(making, path) == 0 else { throw failure("flush") }
        Glibc.close(descriptor)
        descriptor = -1
        isFinished = true
    }

    private(set) var isFinished = false

    /// The new store could not be made: what belongs to it goes too.
    func remove() {
        if isFinished { unlink(path) }
    }

    private func failure(_ operation: String) -> EngineError {
        EngineError(
            errno == ENOSPC ? .full : .inputOutput, operation: operation,
            message: "\(making): \(String(cString: strerror(errno)))", engineCode: errno)
    }
}
