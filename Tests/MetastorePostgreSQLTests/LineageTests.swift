#if PostgreSQL
    internal import MetastoreEngine
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    import Testing

    @Suite struct `After a failover` {
        private func both(_ one: PostgreSQLServer, _ other: PostgreSQLServer) -> String {
            "host=\(one.socketFolder),\(other.socketFolder) port=\(one.port),\(other.port) dbname=postgres "
                + "user=postgres"
        }

        @Test func `the promoted standby is used, and the old primary is refused`() throws {
            let primary = try PostgreSQLServer(.answersOnly)
            let standby = try primary.makeStandby()
            let hosts = try engine(both(primary, standby), .bound(.seconds(2)))
            let old = try engine(primary.connection(), .bound(.seconds(2)))
            try hosts.makeThings()
            try hosts.openWriter().close()
            // Both are there: the primary is the one that takes writes, wherever it stands in the list.
            for order in [both(primary, standby), both(standby, primary)] {
                let engine = try engine(order)
                let writer = try engine.openWriter()
                try writer.execute("INSERT INTO things SELECT count(*) FROM things")
                let reader = try engine.openReader()
                let (seen, there) = (try reader.count(), try writer.count())
                #expect(seen == there)
            }
            // A lone standby takes no writes, and isn't read from silently.
            let lone = try engine(standby.connection(), .bound(.seconds(1)))
            #expect(error { _ = try lone.prepare() }?.code == .readOnly)

            try standby.promote()
            // Now both take writes, as if nothing had happened.
            let writer = try hosts.openWriter()
            let timeline = try writer.first("SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())")
            {
                try $0.text(0).prefix(8)
            }
            #expect(timeline == "00000002")
            try standby.stop(.fast)
            let failed = error { _ = try hosts.openWriter() }
            #expect(failed?.code == .olderLineage, "\(String(describing: failed))")
            #expect(error { _ = try hosts.openReader() }?.code == .olderLineage)
            // Who never saw the new timeline can't know.
            _ = try old.openWriter()
        }

        /// A pooler may send each transaction to another server: the connection was made when all was well.
        @Test func `a pooled connection writes nothing on the old primary either`() throws {
            let primary = try PostgreSQLServer(.answersOnly)
            let standby = try primary.makeStandby()
            let pooler = try PgBouncer(before: primary)
            let way = pooler.connection().split(separator: " ").map { $0.split(separator: "=")[1] }
            let hosts = try engine(
                "host=\(way[0]),\(standby.socketFolder) port=\(way[1]),\(standby.port) dbname=postgres user=postgres",
                .bound(.seconds(2)))
            try hosts.makeThings()
            let writer = try hosts.openWriter()
            try writer.begin(.write)
            try writer.execute("INSERT INTO things VALUES (1, 'x')")
            try writer.commit()
            try standby.promote()
            try hosts.openWriter().close()
            try writer.begin(.write)
            let failed = error { try writer.execute("INSERT INTO things VALUES (2, 'x')") }
            #expect(failed?.code == .olderLineage && failed?.endedTransaction == true, "\(String(describing: failed))")
            #expect(!writer.isInTransaction)
            writer.rollback()
            try writer.begin(.write)
            try writer.enqueue("INSERT INTO things VALUES (3, 'x')")
            #expect(error { try writer.commit() }?.code == .olderLineage)
            writer.close()
            #expect(try primary.ask("SELECT string_agg(id::text, ' ') FROM metastore.things") == "1")
        }

        @Test func `a server of another origin is refused`() throws {
            var setup = ServerOptions.answersOnly
            setup.hasOwnIdentity = true
            let (one, other) = (try PostgreSQLServer(setup), try PostgreSQLServer(setup))
            let engine = try engine(both(one, other), .bound(.seconds(1)))
            try other.stop(.fast)
            _ = try engine.prepare()
            try engine.openWriter().close()
            try one.stop(.fast)
            try other.start()
            #expect(error { _ = try engine.openWriter() }?.code == .olderLineage)
        }
    }
#endif
