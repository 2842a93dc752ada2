public import MetastoreEngine

#if PostgreSQL
    internal import MetastorePostgreSQL
#endif

extension EngineSource {
    /// A database of a server by its URL; else a file with a small write-ahead log.
    public static func place(_ name: String) -> EngineSource {
        #if PostgreSQL
            if name.hasPrefix("postgresql://") { return .postgresql(name) }
        #endif
        return .smallLog(name)
    }
}
