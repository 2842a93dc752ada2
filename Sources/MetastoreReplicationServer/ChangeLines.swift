internal import FoundationEssentials
internal import MetastoreModel

extension Commit {
    /// The commit with its changes as one line of JSON.
    var line: String {
        get throws {
            var members = [
                ("revision", "\(revision)"), ("epoch", "\(epoch)"), ("time", JSON.quoted("\(time)")),
                ("actor", JSON.quoted(actor)),
            ]
            if let operation { members.append(("operation", JSON.quoted(operation.uuidString.lowercased()))) }
            let changes = try changes.map { try $0.json }
            members.append(("changes", "[" + changes.joined(separator: ",") + "]"))
            return JSONLine.object(members)
        }
    }
}

extension Change {
    /// What was done, to which record, and the record before and after; of a document its key alone.
    fileprivate var json: String {
        get throws {
            var members = [
                ("operation", JSON.quoted("\(operation)")), ("kind", JSON.quoted(kind.name)),
                ("key", JSON.quoted(key.path)),
            ]
            for (name, record) in try images { members.append((name, record)) }
            return JSONLine.object(members)
        }
    }

    private var images: [(String, String)] {
        get throws {
            switch self {
            case .experiment(let change): try change.images
            case .trial(let change): try change.images
            case .workload(let change): try change.images
            case .checkpoint(let change): try change.images
            case .snapshot(let change): try change.images
            case .pool(let change): try change.images
            case .agent(let change): try change.images
            case .slot(let change): try change.images
            case .task(let change): try change.images
            case .allocation(let change): try change.images
            case .container(let change): try change.images
            case .port(let change): try change.images
            case .instance(let change): try change.images
            case .spotRequest(let change): try change.images
            case .keyValue(let change): try change.images
            case .lease(let change): try change.images
            case .document: []
            case .consumer(let change): try change.images
            case .leadership(let change): try change.images
            }
        }
    }
}

extension RecordChange where Value: Encodable {
    fileprivate var images: [(String, String)] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            func text(_ record: Value) throws -> String { String(decoding: try encoder.encode(record), as: UTF8.self) }
            var found: [(String, String)] = []
            if let before { found.append(("before", try text(before))) }
            if let after { found.append(("after", try text(after))) }
            return found
        }
    }
}
