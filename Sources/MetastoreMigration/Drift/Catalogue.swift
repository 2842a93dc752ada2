public import MetastoreEngine

/// Everything a store's schema contains: its tables with their columns, constraints, indexes and views, and whatever
/// else somebody put there. A value, listed the same way whichever way the store came to be.
public struct Catalogue: Sendable, Hashable {
    /// Something in the schema.
    public struct Object: Sendable, Hashable, Comparable, CustomStringConvertible {
        /// What it is: `table`, `column`, `constraint`, `index`, `view`, …
        public let kind: String
        /// Its name; of what belongs to a table, after the table's and a dot.
        public let name: String
        /// What it is made of, as the database says it, in one line.
        public let definition: String

        /// Names an object.
        public init(kind: String, name: String, definition: String) {
            self.kind = kind
            self.name = name
            self.definition = StatementText.normalised(definition)
        }

        /// One line: kind, name and definition.
        public var description: String { definition.isEmpty ? "\(kind) \(name)" : "\(kind) \(name) \(definition)" }

        /// By kind, then name, each by its bytes.
        public static func < (left: Object, right: Object) -> Bool {
            (left.kind, left.name, left.definition) < (right.kind, right.name, right.definition)
        }
    }

    /// In order.
    public let objects: [Object]

    /// These objects, in order.
    public init(_ objects: [Object]) {
        self.objects = objects.sorted()
    }

    /// Reads what ``text`` wrote.
    public init(text: String) {
        self.init(
            text.split(separator: "\n").map { line in
                let words = line.split(separator: " ", maxSplits: 2).map(String.init) + ["", "", ""]
                return Object(kind: words[0], name: words[1], definition: words[2])
            })
    }

    /// One line an object.
    public var text: String { objects.map { "\($0)\n" }.joined() }

    /// Lists what a database has in the store's schema. Writes nothing; all of it is one snapshot.
    public init(of connection: any Connection) throws {
        self.init(
            try connection.inOneSnapshot {
                switch connection.dialect.name {
                case .sqlite: try SQLiteCatalogue.objects(connection)
                case .postgresql: try PostgreSQLCatalogue.objects(connection)
                }
            })
    }
}
