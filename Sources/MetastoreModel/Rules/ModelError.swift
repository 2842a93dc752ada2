/// A value that a record can't hold, refused before anything was written.
///
/// It names the field and the bound, and never shows the value.
public enum ModelError: Error, Sendable, Hashable {
    /// The field has a value that no store could give back unchanged, or that the field's rule excludes.
    case invalid(field: String, reason: String)
    /// The text isn't JSON; `offset` counts its bytes from 0.
    case malformed(field: String, offset: Int, reason: String)
    /// A number that is neither a 64-bit integer nor a finite double.
    case numberOutOfRange(field: String)
    /// More than `limit` of a unit, of which there are `found`.
    case tooLarge(field: String, limit: Int, found: Int, unit: String)

    /// Where the value stands: a field, or a path such as `config.searcher.metric` or `$.list[3]` (`$` is
    /// the whole value).
    public var field: String {
        switch self {
        case .invalid(let field, _), .malformed(let field, _, _), .numberOutOfRange(let field),
            .tooLarge(let field, _, _, _):
            field
        }
    }

    /// The same error, told of a value that stands in a field of a record: `$.a` becomes `config.a`.
    package func within(_ name: String) -> ModelError {
        let path = field.hasPrefix("$") ? name + field.dropFirst() : name + "." + field
        return switch self {
        case .invalid(_, let reason): .invalid(field: path, reason: reason)
        case .malformed(_, let offset, let reason): .malformed(field: path, offset: offset, reason: reason)
        case .numberOutOfRange: .numberOutOfRange(field: path)
        case .tooLarge(_, let limit, let found, let unit):
            .tooLarge(field: path, limit: limit, found: found, unit: unit)
        }
    }
}

extension ModelError: CustomStringConvertible {
    /// What is, why, and what to do; nothing of the value itself.
    public var description: String {
        switch self {
        case .invalid(let field, let reason):
            "\(field) can't be stored: \(reason). Nothing was written; correct the value and write again."
        case .malformed(let field, let offset, let reason):
            "\(field) is not JSON that can be stored: \(reason) at byte \(offset). Nothing was written."
        case .numberOutOfRange(let field):
            "\(field) holds a number beyond the range of a finite 64-bit float, which no reader could give "
                + "back. Nothing was written; store such a number as text."
        case .tooLarge(let field, let limit, let found, let unit):
            "\(field) has \(found) \(unit); at most \(limit) can be stored. "
                + "Nothing was written; shorten it, or keep it elsewhere and store a reference."
        }
    }
}
