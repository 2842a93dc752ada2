import ArgumentParser
import FoundationEssentials
import Glibc
import Metastore
import MetastoreModel
import MetastoreSQLite
import Synchronization

#if PostgreSQL
    import MetastorePostgreSQL
#endif

/// The store that is measured: a file or a server.
struct Place: ParsableArguments {
    @Option(help: "The database file; made if it isn't there.")
    var path: String?

    @Option(help: "Instead of a file: a PostgreSQL connection string or URL.")
    var server: String?

    func validate() throws {
        guard (path == nil) != (server == nil) else { throw ValidationError("give either --path or --server") }
    }

    func open() async throws -> Metastore {
        if let path { return try await openStore(at: path) }
        return try await openStore(on: server ?? "")
    }
}

/// Nothing of its log is cut off while it is measured: the floor's isn't either.
var benchOptions: StoreOptions {
    var options = StoreOptions()
    options.actor = "bench"
    // What is measured is a copy of what was filled once.
    options.copies = .adopt
    options.logRetentionBytes = 1 << 50
    return options
}

func openStore(at path: String, _ options: StoreOptions = benchOptions) async throws -> Metastore {
    try await Metastore.open(.sqlite(path), options)
}

func openStore(on server: String) async throws -> Metastore {
    #if PostgreSQL
        return try await Metastore.open(.postgresql(server), benchOptions)
    #else
        throw ValidationError("this program was built without PostgreSQL")
    #endif
}

/// A folder of its own for what is measured, removed at the end.
final class Scratch: Sendable {
    let path: String
    private static let all = Mutex<Set<String>>([])

    /// Made inside `parent`.
    init(in parent: String) throws {
        path = "\(parent)/metastore-bench-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        _ = Self.all.withLock { $0.insert(path) }
    }

    func remove() {
        _ = Self.all.withLock { $0.remove(path) }
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Ends the program before its time. Another takes its place and removes the folders: by then no thread of this one
    /// can put anything there.
    static func removeAll(exitingWith code: Int32) -> Never {
        let words = ["sh", "-c", "rm -rf -- \"$@\"; exit \(code)", "sh"] + all.withLock { $0 }
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        execv("/bin/sh", arguments)
        exit(code)
    }

    func file(_ name: String) -> String { "\(path)/\(name).db" }

    /// A copy of a database that nobody has open, instead of what was there.
    func copy(_ source: String, as name: String) throws -> String {
        discard(name)
        let copy = file(name)
        try FileManager.default.copyItem(atPath: source, toPath: copy)
        return copy
    }

    func discard(_ name: String) {
        for ending in ["", "-wal", "-shm", ".lock", ".head"] {
            try? FileManager.default.removeItem(atPath: file(name) + ending)
        }
    }

    /// In bytes; 0 where nothing is.
    static func size(_ path: String) -> Int {
        var found = stat()
        return stat(path, &found) == 0 ? Int(found.st_size) : 0
    }
}
