// Invariants (D12, G10)
// 1. An operation's result is kept in the savepoint of its effects: both are there, or neither is.
// 2. A repeated id answers the same without running; one used for another request, or too old to know, is refused.
// 3. An error is not remembered.

internal import Crypto
public import FoundationEssentials
internal import MetastoreEngine
public import MetastoreModel

/// The id of a request that may be repeated: a UUID of version 7, which tells when it was made.
public struct OperationID: Sendable, Hashable, CustomStringConvertible {
    /// The id itself.
    public let uuid: UUID

    /// From a UUID of version 7.
    ///
    /// - Throws: ``StoreError/invalid(field:reason:)`` for any other version.
    public init(_ uuid: UUID) throws(StoreError) {
        guard uuid.uuid.6 >> 4 == 7 else {
            throw .invalid(field: "operation", reason: "operation can't be used: its id is no UUID of version 7.")
        }
        self.uuid = uuid
    }

    /// A new id for a new request.
    public init(_ time: TimeSource = .system) {
        uuid = .version7(time.now(), time.random)
    }

    /// When it was made, to the millisecond.
    public var time: Timestamp {
        let bytes = uuid.uuid
        let milliseconds = [bytes.0, bytes.1, bytes.2, bytes.3, bytes.4, bytes.5].reduce(0) { $0 << 8 | Int64($1) }
        return Timestamp(microseconds: milliseconds * 1_000)
    }

    /// As text, in lower case.
    public var description: String { uuid.uuidString.lowercased() }
}

extension Metastore {
    /// A write that is applied once, however often it is repeated with the same id; the answer is the same each time.
    ///
    /// Results are kept for `StoreOptions.operationRetention` after their commit.
    ///
    /// - Parameters:
    ///   - operation: the id; make one per request and keep it until the request is answered.
    ///   - request: what is asked for, in any form that is equal for equal requests; only its hash is kept.
    ///   - durability: what it survives once it is answered; durable in this store unless given. An id that is repeated
    ///     waits as the first time.
    /// - Throws: ``StoreError/notReplicated(position:reason:)`` when it is committed, but not as durable as asked for;
    ///   ``StoreError/operationReused`` when the id was used for another request;
    ///   ``StoreError/operationExpired(keptFor:)`` when it is too old to tell;
    ///   ``StoreError/operationResultTooLarge(bytes:limit:)``; ``StoreError/invalid(field:reason:)`` for an id from the
    ///   future by more than results are kept; what the closure throws (which is not remembered).
    @discardableResult
    public func write<Value: Codable & Sendable>(
        operation: OperationID, request: String = "", until durability: Durability = .local, actor: String? = nil,
        file: String = #fileID, line: Int = #line,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
    ) async throws -> Value {
        let fingerprint = Array(SHA256.hash(data: Array("\(Value.self)\n\(request)".utf8)))
        let retention = options.operationRetention
        let (actor, callSite) = (try checked(actor), CallSite(file: file, line: line))
        try check(durability)
        let committed = try await submit(actor: actor, callSite: callSite, from: .client) { session in
            if let stored = try session.storedResult(operation.uuid) {
                guard stored.fingerprint == fingerprint else { throw StoreError.operationReused }
                return try JSONDecoder().decode([Value].self, from: Data(stored.result))[0]
            }
            guard operation.time + retention > session.time else {
                throw StoreError.operationExpired(keptFor: retention)
            }
            guard operation.time <= session.time + retention else {
                throw StoreError.invalid(
                    field: "operation",
                    reason:
                        "operation can't be used: its id was made in the future. Correct the clock that made it.")
            }
            let value = try body(Transaction(session))
            let result = Array(try JSONEncoder().encode([value]))
            guard result.count <= Limits.operationResultBytes else {
                throw StoreError.operationResultTooLarge(bytes: result.count, limit: Limits.operationResultBytes)
            }
            session.operation = (operation.uuid, OperationRecord(fingerprint: fingerprint, result: result))
            return value
        }
        // A repeated one stands at the head: what it did before is not later.
        try await confirm(durability, committed.position)
        return committed.value
    }
}

extension Session {
    func storedResult(_ operation: UUID) throws(StoreError) -> OperationRecord? {
        try first("SELECT fingerprint, result FROM operations WHERE id = \(operation)") { row in
            OperationRecord(fingerprint: try row.bytes(0), result: try row.bytes(1))
        }
    }
}
