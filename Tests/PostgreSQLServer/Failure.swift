internal import Glibc

/// Why a test's server, or a program beside it, can't do what a test needs.
package struct ServerFailure: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }

    init(call: String, _ number: Int32 = errno) {
        description = "\(call): \(String(cString: strerror(number)))"
    }
}

/// What has to be installed, and where Debian puts it. Missing software fails a test; it never skips one.
enum Installation {
    static let programs = "/usr/lib/postgresql/15/bin"
    static let searchPath = "\(programs):/usr/sbin:/usr/bin:/sbin:/bin"
    static let bouncer = "/usr/sbin/pgbouncer"

    static func require(_ program: String, package: String) throws(ServerFailure) {
        guard access(program, X_OK) == 0 else {
            throw ServerFailure("there is no \(program). Install it: apt-get install \(package)")
        }
    }

    /// The user the servers run as: PostgreSQL and pgbouncer refuse root. Nil when this process isn't root, and so runs
    /// them as itself.
    static func serverUser() throws(ServerFailure) -> (id: uid_t, group: gid_t)? {
        guard geteuid() == 0 else { return nil }
        guard let entry = getpwnam("postgres") else {
            throw ServerFailure("there is no user postgres, whom the servers run as: apt-get install postgresql-15")
        }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }
}
