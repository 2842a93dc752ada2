#if PostgreSQL
    /// Every bound of the engine that isn't an option, and what happens there.
    enum PostgreSQLLimits {
        /// The oldest server that has everything the engine uses (`pg_current_snapshot`); an older one is refused.
        static let oldestServer: Int64 = 130_000
        /// libpq's; a statement with more values is refused.
        static let values = 65_535
        /// Queued statements that nobody waits for are sent when they are so many or so big.
        static let queuedStatements = 64
        static let queuedBytes = 1 << 20
        /// A statement whose rows nobody wants any more is cancelled after so many bytes were thrown away.
        static let discardedBytes = 1 << 20
        /// A buffer for bound values that grew larger is given back after the call.
        static let keptBindingBytes = 1 << 20
        /// A cancel request that hit nothing is sent again after so long.
        static let cancelAgain = Duration.milliseconds(250)
        /// Between two attempts to connect: from the first to the last, doubling.
        static let firstPause = Duration.milliseconds(20)
        static let lastPause = Duration.milliseconds(500)
        /// With several hosts: how long the others may take to answer once one of them did.
        static let otherHosts = Duration.seconds(1)
        /// A transaction that its client forgot: the server ends it, so that others get its locks.
        static let idleInWrite = Duration.seconds(60)
        static let idleInRead = Duration.seconds(600)
        /// What a read's statement may take on the server while its rows are still asked for.
        static let readStatement = Duration.seconds(3_600)
        /// A script of a migration.
        static let script = Duration.seconds(3_600)
        /// Between two notifications to others, and between two attempts to connect for them.
        static let betweenNotices = Duration.milliseconds(1)
        static let noticesPause = Duration.seconds(5)
        /// The session of a process that was killed ends within this: what it held is waited for so long.
        static let killedSession = Duration.seconds(2)
        /// How much of a server's or libpq's words an error repeats.
        static let words = 400
    }
#endif
