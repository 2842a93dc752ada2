package import MetastoreEngine

/// Whose writes a store takes.
package enum StoreRole: Int64, Sendable, Hashable {
    /// Its own: whoever opens it writes.
    case leader = 1
    /// Those of the store it follows, and no others.
    case follower = 2

    /// As people read it.
    package var name: String {
        switch self {
        case .leader: "leader"
        case .follower: "follower"
        }
    }
}

/// Which file a store is, and whose writes it takes: the one row that is neither logged nor copied.
///
/// On a server the row has the role alone, and no file: which files a server keeps is its own business, and a server
/// that went back to an earlier state is told by its history.
package struct StoreIdentity: Sendable, Hashable {
    /// The first schema that has it.
    static let schema: Int64 = 3

    package var role: StoreRole
    /// Nil until it was opened for writing, and where there is no file.
    package var file: FileMark?
    /// Where it was opened for writing last; nil also where that machine has no id.
    package var machine: String?

    package init(role: StoreRole = .leader, file: FileMark? = nil, machine: String? = nil) {
        self.role = role
        self.file = file
        self.machine = machine
    }

    /// Reads it.
    ///
    /// - Throws: ``StoreError/damaged(place:reason:)`` when the row is missing or has a role that nobody knows.
    static func load(_ connection: any Connection) throws -> StoreIdentity {
        let identity: StoreIdentity?? = try connection.first(
            "SELECT role, inode, birth, file_system, machine FROM identity WHERE id = 1"
        ) { row in
            guard let role = StoreRole(rawValue: try row.integer(0)) else { return nil }
            let file = FileMark(
                inode: row.isNull(1) ? 0 : UInt64(bitPattern: try row.integer(1)),
                birth: row.isNull(2) ? nil : try row.integer(2), fileSystem: row.isNull(3) ? nil : try row.text(3))
            return StoreIdentity(
                role: role, file: row.isNull(1) ? nil : file, machine: row.isNull(4) ? nil : try row.text(4))
        }
        guard let identity = identity ?? nil else {
            throw StoreError.damaged(place: "the store", reason: "its identity row is missing, or has no known role")
        }
        return identity
    }

    /// Writes it, in the open transaction.
    func save(_ connection: any Connection) throws(EngineError) {
        let inode = file.map { Int64(bitPattern: $0.inode) }
        try connection.execute(
            """
            UPDATE identity SET role = \(role.rawValue), inode = \(nullable: inode), \
            birth = \(nullable: file?.birth), file_system = \(nullable: file?.fileSystem), \
            machine = \(nullable: machine) WHERE id = 1
            """)
    }

    /// The file that is being made, or was put in another's place, is the store from now on. Nothing is done where the
    /// schema has no identity.
    ///
    /// - Parameter role: as it stands unless given.
    static func settle(_ connection: any Connection, schema: Int64, as role: StoreRole? = nil) throws {
        guard schema >= Self.schema else { return }
        var identity = try load(connection)
        identity.role = role ?? identity.role
        identity.file = try connection.fileMark()
        identity.machine = identity.file == nil ? nil : Machine.ofThisOne
        try identity.save(connection)
    }
}
