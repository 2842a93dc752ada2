#if PostgreSQL
    public import MetastoreEngine

    extension EngineSource {
        /// A database on PostgreSQL 13 or newer, or a server that is compatible with it.
        ///
        /// ```swift
        /// .postgresql("postgresql://metastore@db1.example,db2.example/training", password: token)
        /// ```
        /// Anywhere but on the loopback or a Unix socket the server must show a certificate of a trusted authority for the
        /// name it is asked for by. With several hosts the primary on the newest timeline is used. Environment variables
        /// (`PG…`) and files in the home directory are not looked at.
        ///
        /// - Parameters:
        ///   - connection: in libpq's `keyword=value` form, or a URL (`postgresql://`, `postgres://`).
        ///   - schema: where everything of the store lies; it is made if it is missing.
        ///   - tls: what to accept instead of the above; less than ``TransportSecurity/verified`` is noticed in the log.
        ///   - password: asked at every connect, for passwords that don't last; instead of one in the string.
        public static func postgresql(
            _ connection: String, schema: String = "metastore", tls: TransportSecurity = .verified,
            password: (@Sendable () async throws -> String)? = nil
        ) -> EngineSource {
            EngineSource { options in
                try PostgreSQLEngine(connection, schema: schema, tls: tls, password: password, options: options)
            }
        }
    }
#endif
