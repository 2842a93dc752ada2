internal import FoundationEssentials
package import Metastore
internal import MetastoreEngine
package import MetastoreModel

/// A record of any kind, its values by the names of their columns (docs/FORMAT.md).
package struct RecordView: Sendable {
    package let key: RecordKey
    package let fields: [Field]
    /// Whether the row has the hash it was stored with.
    package let isProven: Bool

    /// - Parameter more: fields that are kept beside the record.
    init(_ view: RecordView, adding more: [Field]) {
        (key, isProven) = (view.key, view.isProven)
        fields = view.fields + more
    }

    package init(_ row: StoredRow, isLogged: Bool = false) {
        key = row.key
        isProven = row.isProven
        let columns = row.table.columns
        fields = columns.indices.compactMap { index in
            guard index < row.image.count, !isLogged || !columns[index].isLocal else { return nil }
            let field = Presentation.field(row.kind, columns[index], row.image[index])
            // What isn't proven may be any text, and JSON around it must stay JSON.
            if !row.isProven, case .json(let text) = field.value, !Self.isJSON(text) {
                return Field(field.name, .text(text))
            }
            return field
        }
    }

    private static func isJSON(_ text: String) -> Bool { (try? JSONObject(parsing: "{\"value\":\(text)}")) != nil }

    package subscript(name: String) -> FieldValue { fields.first { $0.name == name }?.value ?? .none }

    /// With the key first: what `-o json` and `export` give.
    package func json(marking: Bool = true) -> String {
        var parts = ["\"key\":" + JSON.quoted(key.path)]
        parts += fields.map { JSON.quoted($0.name) + ":" + $0.value.json }
        if marking, !isProven { parts.append("\"doubtful\":true") }
        return "{" + parts.joined(separator: ",") + "}"
    }
}

/// What the columns of each kind mean to a reader.
package enum Presentation {
    static func field(_ kind: RecordKind, _ column: Column, _ value: Value) -> Field {
        Field(name(kind, column), self.value(kind, column, value))
    }

    /// A column's name as it is shown: with its unit or its encoding last, where it has one.
    package static func name(_ kind: RecordKind, _ column: Column) -> String {
        switch (kind, column.name) {
        case (_, "time_to_live"), (_, "idle_period"): column.name + "_us"
        case (.keyValue, "value"), (.document, "content"): column.name + "_base64"
        // Every record is shown with the key it has in the key space.
        case (.keyValue, "key"): "name"
        default: column.name
        }
    }

    /// The names of all logged columns of a kind, in order.
    package static func names(_ kind: RecordKind) -> [String] {
        kind.table.columns.map { name(kind, $0) }
    }

    /// What a narrow table shows.
    package static func overview(_ kind: RecordKind) -> [String] {
        switch kind {
        case .experiment: ["id", "state", "name", "owner", "pool", "progress", "start_time"]
        case .trial: ["id", "experiment", "state", "restarts", "total_batches", "best_metric", "start_time"]
        case .workload: ["id", "trial", "step", "kind", "state", "total_batches", "searcher_metric", "end_time"]
        case .checkpoint: ["uuid", "trial", "state", "total_batches", "size", "is_pinned", "report_time"]
        case .snapshot: ["experiment", "version", "revision"]
        case .pool: ["name", "kind", "instance_type", "min_instances", "max_instances", "is_spot"]
        case .agent: ["id", "pool", "state", "is_enabled", "address", "last_heartbeat"]
        case .slot: ["agent", "slot", "device", "brand", "is_enabled", "container"]
        case .task: ["id", "kind", "trial", "start_time", "end_time"]
        case .allocation: ["id", "task", "pool", "state", "slots", "priority", "start_time"]
        case .container: ["id", "allocation", "agent", "slots", "state"]
        case .port: ["host", "port", "allocation", "task", "purpose"]
        case .instance: ["client_token", "instance_id", "pool", "type", "state", "requested_time"]
        case .spotRequest: ["client_token", "request_id", "pool", "state", "max_price", "requested_time"]
        case .keyValue: ["namespace", "name", "value_base64", "lease"]
        case .lease: ["id", "time_to_live_us", "revision"]
        case .document: ["hash", "content_base64", "created_revision"]
        case .consumer: ["name", "kinds", "under", "is_expired", "position_revision", "position_time"]
        case .leadership: ["holder", "epoch", "taken_time", "renewed_time", "time_to_live_us"]
        case .cluster: []
        }
    }

    private static func value(_ kind: RecordKind, _ column: Column, _ value: Value) -> FieldValue {
        switch value {
        case .null: return .none
        case .integer(let number): return integer(kind, column.name, number)
        case .real(let number): return .real(number)
        case .text(let text): return self.text(kind, column.name, text)
        case .uuid(let uuid): return .text(uuid.uuidString.lowercased())
        case .timestamp(let time): return .time(Timestamp(microseconds: time))
        case .bytes(let bytes):
            guard kind != .keyValue, column.name != "content", let hash = DocumentHash(bytes: bytes) else {
                return .bytes(bytes)
            }
            return .text(hash.description)
        }
    }

    private static func integer(_ kind: RecordKind, _ name: String, _ number: Int64) -> FieldValue {
        switch name {
        case "is_archived", "is_rolled_back", "is_pinned", "is_spot", "is_enabled", "is_expired", "smaller_is_better":
            return .flag(number != 0)
        case "size": return .size(number)
        case "time_to_live", "idle_period": return .span(number)
        case "kinds" where kind == .consumer:
            let kinds = RecordKinds(rawValue: UInt64(bitPattern: number))
            return .list(RecordKind.allCases.filter { kinds.contains($0) }.map(\.name))
        case "epoch_nonce":
            return .text(String(Epoch(number: 0, nonce: UInt64(bitPattern: number)).description.dropFirst(2)))
        default: return codeName(kind, name, number).map { .text($0) } ?? .integer(number)
        }
    }

    /// The name of a code; nil where the column holds none.
    package static func codeName(_ kind: RecordKind, _ column: String, _ number: Int64) -> String? {
        guard let type = codes(kind, column), let code = Int16(exactly: number) else { return nil }
        return name(of: code, type)
    }

    /// The code that a name stands for.
    package static func code(_ kind: RecordKind, _ column: String, named name: String) -> Int64? {
        codes(kind, column).flatMap { code(named: name, $0) }.map(Int64.init)
    }

    /// The names that a column's codes have; empty for other columns.
    package static func codeNames(_ kind: RecordKind, _ column: String) -> [String] {
        codes(kind, column).map { names($0) } ?? []
    }

    private static func codes(_ kind: RecordKind, _ column: String) -> (any NamedCode.Type)? {
        switch (kind, column) {
        case (.experiment, "state"): ExperimentState.self
        case (.trial, "state"): TrialState.self
        case (.workload, "state"): WorkloadState.self
        case (.workload, "kind"): WorkloadKind.self
        case (.checkpoint, "state"): CheckpointState.self
        case (.pool, "kind"): PoolKind.self
        case (.agent, "state"): AgentState.self
        case (.slot, "device"): DeviceKind.self
        case (.task, "kind"): TaskKind.self
        case (.allocation, "state"): AllocationState.self
        case (.container, "state"): ContainerState.self
        case (.port, "purpose"): PortPurpose.self
        case (.instance, "state"): InstanceState.self
        case (.spotRequest, "state"): SpotRequestState.self
        default: nil
        }
    }

    private static func name<Code: NamedCode>(of code: Int16, _ type: Code.Type) -> String? {
        Code(rawValue: code)?.name
    }

    private static func code<Code: NamedCode>(named name: String, _ type: Code.Type) -> Int16? {
        Code.allCases.first { $0.name.lowercased() == name.lowercased() }?.rawValue
    }

    private static func names<Code: NamedCode>(_ type: Code.Type) -> [String] { Code.allCases.map(\.name) }

    private static func text(_ kind: RecordKind, _ name: String, _ text: String) -> FieldValue {
        switch (kind, name) {
        case (.experiment, "labels"):
            guard let object = try? JSONObject(parsing: text), case .array(let list)? = object.values["list"] else {
                return .list([])
            }
            return .list(list.compactMap(\.string))
        case (.container, "slots"): return .json("[" + text + "]")
        case (.trial, "hparams"), (.workload, "metrics"), (.checkpoint, "resources"), (.checkpoint, "metadata"),
            (.snapshot, "content"), (.pool, "provider"):
            return .json(text)
        default: return .text(text)
        }
    }
}
