internal import Crypto
internal import FoundationEssentials
internal import MetastoreModel

/// What tells one machine from another, as far as anything does: containers share it or change it, and images bring
/// theirs along. So it alone decides nothing.
enum Machine {
    /// A hash of the machine's own id, which others take for a secret; nil where the machine has none.
    static let ofThisOne: String? = {
        for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
            guard let content = FileManager.default.contents(atPath: path) else { continue }
            let id = String(decoding: content, as: UTF8.self).filter { !$0.isWhitespace }
            guard id.utf8.count == 32 else { continue }
            return DocumentHash(bytes: Array(SHA256.hash(data: Array("metastore machine \(id)".utf8))))?.description
        }
        return nil
    }()
}
