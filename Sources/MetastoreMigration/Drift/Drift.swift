public import MetastoreEngine
internal import Migrations

/// One object that isn't as it should be.
public enum Drift: Sendable, Hashable {
    /// It should be there.
    case missing(Catalogue.Object)
    /// It shouldn't be there.
    case unexpected(Catalogue.Object)
    /// It is another one.
    case different(expected: Catalogue.Object, found: Catalogue.Object)

    /// What it is about.
    public var object: Catalogue.Object {
        switch self {
        case .missing(let object), .unexpected(let object), .different(let object, _): object
        }
    }
}

extension Drift: CustomStringConvertible {
    /// A sentence that names the object.
    public var description: String {
        switch self {
        case .missing(let object): "\(object.kind) \(object.name) is missing"
        case .unexpected(let object): "\(object.kind) \(object.name) doesn't belong there"
        case .different(let expected, let found):
            "\(expected.kind) \(expected.name) is \(found.definition); it should be \(expected.definition)"
        }
    }
}

extension Catalogue {
    /// In what another catalogue differs from this one, in order. Of a table that is missing or doesn't belong there
    /// its columns and constraints aren't named one by one.
    public func drift(finding found: Catalogue) -> [Drift] {
        let (expected, present) = (byName, found.byName)
        func belongs(_ object: Object, toTableOnlyIn one: [Name: Object], _ other: [Name: Object]) -> Bool {
            guard object.kind != "table", let dot = object.name.firstIndex(of: ".") else { return false }
            let table = Name(kind: "table", name: String(object.name[..<dot]))
            return one[table] != nil && other[table] == nil
        }
        var drift: [Drift] = []
        for object in objects {
            if let twin = present[Name(object)] {
                if twin != object { drift.append(.different(expected: object, found: twin)) }
            } else if !belongs(object, toTableOnlyIn: expected, present) {
                drift.append(.missing(object))
            }
        }
        for object in found.objects where expected[Name(object)] == nil {
            if !belongs(object, toTableOnlyIn: present, expected) { drift.append(.unexpected(object)) }
        }
        return drift.sorted { $0.object < $1.object }
    }

    private struct Name: Hashable {
        let kind: String
        let name: String

        init(kind: String, name: String) { (self.kind, self.name) = (kind, name) }
        init(_ object: Object) { self.init(kind: object.kind, name: object.name) }
    }

    private var byName: [Name: Object] { Dictionary(objects.map { (Name($0), $0) }) { first, _ in first } }
}

extension Migrator {
    /// In what the database's schema isn't the one that its version should have. Writes nothing.
    ///
    /// - Throws: ``MigrationError``: `noStore`; `newer` when this binary doesn't know that schema; or an `EngineError`.
    public func drift(_ connection: any Connection) throws -> [Drift] {
        try connection.inOneSnapshot {
            let status = try status(connection)
            guard let step = steps.first(where: { $0.number == status.found }) else {
                throw MigrationError.newer(
                    found: status.found, known: known, writtenBy: status.lastWriter?.appliedBy ?? "another release",
                    mayRead: status.refusal(forWriting: false) == nil)
            }
            let database = connection.dialect.name.rawValue
            guard let expected = step.expectedCatalogue(for: database) else {
                throw MigrationError.missingCatalogue(number: step.number, database: database)
            }
            return Catalogue(text: expected).drift(finding: try Catalogue(of: connection))
        }
    }
}
