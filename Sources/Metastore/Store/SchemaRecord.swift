internal import Glibc
package import MetastoreEngine
package import MetastoreMigration
internal import MetastoreModel

/// What the store adds to each step of its schema: the head row of a new store, and one log record that tells of the
/// schema.
package struct SchemaRecord: Sendable {
    private let options: StoreOptions

    /// With the clock, the randomness and the actor of these options.
    package init(_ options: StoreOptions) { self.options = options }

    /// Called inside the step's transaction, after its statements.
    package func append(_ schema: Int64, _ connection: any Connection) throws {
        let time = options.time.now()
        let isFollower = try becomesFollower(schema, connection)
        var head: Head
        if schema == 1 {
            head = Head(
                cluster: options.replicaOf ?? .version7(time, options.time.random),
                epoch: Epoch(number: 1, nonce: options.time.random()), time: time, schema: 1)
            try head.insert(connection)
        } else {
            head = try Head.load(connection, locking: true)
        }
        let isNew = head.revision == .absent
        if isNew {
            // A new store's first record tells of its last step alone; a follower's is its source's first record.
            let isLast = schema == Migrator.ofThisLibrary.known
            guard isLast, !isFollower else {
                head.schema = schema
                return try head.save(connection)
            }
        } else if isFollower {
            // Its log is its source's: that one's record of the step comes when it has made it, too.
            return
        }
        let session = WriteSession(
            connection, head: head, now: time, randomness: options.time.random, texts: StatementTexts())
        session.begin(actor: options.actor)
        if isNew { try session.keepEpoch(parent: nil, holder: options.actor) }
        try session.appendSchema(schema)
        session.head.isClean = isNew || head.isClean
        session.head.batches += 1
        try session.head.save(connection)
    }

    /// Is the store one that follows another? It says so itself from the step on that made room for that.
    private func becomesFollower(_ schema: Int64, _ connection: any Connection) throws -> Bool {
        guard schema >= StoreIdentity.schema else { return options.replicaOf != nil }
        var identity = try StoreIdentity.load(connection)
        if options.replicaOf != nil, identity.role != .follower {
            identity.role = .follower
            try identity.save(connection)
        }
        return identity.role == .follower
    }
}

extension WriteSession {
    /// Tells the log of the schema that the rows have, where it hasn't been told.
    func tellSchema(_ schema: Int64) throws {
        guard head.revision > .absent, head.schema < schema else { return }
        try appendSchema(schema)
    }

    /// Appends the record that tells of the schema from now on.
    fileprivate func appendSchema(_ schema: Int64) throws {
        let before = head.revision == .absent ? nil : ClusterRow.image(head)
        head.schema = schema
        let image = ClusterRow.image(head)
        let (fields, hash) = encoded(ClusterRow.table, "cluster", image)
        try note(ClusterRow.table, "cluster", before: before, after: image, hash, fields)
        _ = try append(changes.list)
    }
}

extension Migrator {
    /// The steps this library knows, applied in its name.
    package static var ofThisLibrary: Migrator {
        var name = [CChar](repeating: 0, count: 256)
        let host =
            gethostname(&name, name.count - 1) == 0
            ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : "unknown"
        return Migrator(appliedBy: "metastore \(Metastore.version)", host: host)
    }
}
