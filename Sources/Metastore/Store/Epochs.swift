internal import MetastoreEngine
internal import MetastoreModel

extension WriteSession {
    /// Opens a new epoch: from the next revision on the log carries it, and whoever led before is fenced.
    ///
    /// - Parameter earlier: its number is larger than this one, too: that of an epoch that was left behind.
    func openEpoch(holder: String, above earlier: Int64 = 0) throws(StoreError) {
        let parent = head.epoch
        head.epoch = Epoch(number: max(parent.number, earlier) + 1, nonce: randomness())
        try keepEpoch(parent: parent, holder: holder)
    }

    /// Enters the head's epoch into the table of epochs: a position of an earlier one tells by it whether it is still
    /// on this history.
    func keepEpoch(parent: Epoch?, holder: String) throws(StoreError) {
        try execute(
            """
            INSERT INTO epochs (epoch, epoch_nonce, parent, parent_nonce, fork_revision, fork_chain, holder, time) \
            VALUES (\(head.epoch.number), \(Int64(bitPattern: head.epoch.nonce)), \(nullable: parent?.number), \
            \(nullable: parent.map { Int64(bitPattern: $0.nonce) }), \(head.revision.rawValue), \(head.chain), \
            \(holder), \(Value.timestamp(time.microseconds)))
            """)
    }
}
