package import MetastoreEngine

extension SnapshotManifest {
    /// A table, as the rows in the parts have it.
    package struct TableShape: Sendable, Hashable {
        package let name: String
        package let columns: [Column]
        package let rows: Int64

        package init(name: String, columns: [Column], rows: Int64) {
            self.name = name
            self.columns = columns
            self.rows = rows
        }

        /// A column: every row has a value of its type, or null.
        package struct Column: Sendable, Hashable {
            package let name: String
            package let type: ColumnType

            package init(name: String, type: ColumnType) {
                self.name = name
                self.type = type
            }
        }
    }

    /// A part: bytes of content, bytes as it lies there, and the SHA-256 of these.
    package struct Part: Sendable, Hashable {
        package let content: Int
        package let stored: Int
        package let hash: [UInt8]

        package init(content: Int, stored: Int, hash: [UInt8]) {
            self.content = content
            self.stored = stored
            self.hash = hash
        }
    }
}

extension ColumnType {
    /// The tag of its values.
    var code: UInt8 {
        switch self {
        case .integer: 1
        case .real: 2
        case .text: 3
        case .bytes: 4
        case .uuid: 5
        case .timestamp: 6
        }
    }

    init?(code: UInt8) {
        let all: [ColumnType] = [.integer, .real, .text, .bytes, .uuid, .timestamp]
        guard let type = all.first(where: { $0.code == code }) else { return nil }
        self = type
    }
}
