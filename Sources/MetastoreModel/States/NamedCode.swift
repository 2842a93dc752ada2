/// A choice that is stored as a small number and shown by its name.
///
/// The numbers are in databases and logs and are fixed for ever; the names are those users know.
public protocol NamedCode: RawRepresentable, CaseIterable, Hashable, Sendable, Codable,
    CustomStringConvertible
where RawValue == Int16 {
    /// The name users know: `STOPPING_CANCELED`.
    var name: String { get }
}

extension NamedCode {
    /// The choice with the given ``name``, exactly as spelled there.
    public init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// Same as ``name``.
    public var description: String { name }
}
