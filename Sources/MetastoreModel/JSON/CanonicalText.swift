/// The canonical text of a JSON object, with the fault of a literal that couldn't be written.
///
/// 1. Canonical: keys sorted by bytes, no white space, the fewest escapes, numbers in one spelling. Equal
///    objects have equal text, and canonical text is its own canonical form.
/// 2. Only text of this form is ever held; what was read back from a row is trusted to be.
struct CanonicalText: Sendable {
    let text: String
    private let fault: Fault?

    /// A box, so that the rare fault costs each object one word.
    private final class Fault: Sendable {
        let error: ModelError
        init(_ error: ModelError) { self.error = error }
    }

    init(canonical text: String) {
        self.text = text
        fault = nil
    }

    init(parsing text: String, rule: JSONRule) throws(ModelError) {
        var text = text
        do {
            self.text = try text.withUTF8 { input in
                Result { () throws(JSONFault) in
                    var canonicalizer = JSONCanonicalizer(input, rule: rule)
                    return try canonicalizer.objectText()
                }
            }.get()
        } catch {
            throw error.modelError
        }
        fault = nil
        try checkLength()
    }

    init(writing write: (inout JSONWriter) throws(JSONFault) -> Void) throws(ModelError) {
        var writer = JSONWriter()
        do { try write(&writer) } catch { throw error.modelError }
        text = writer.buffer.text
        fault = nil
        try checkLength()
    }

    /// A literal can't throw where it stands: what is wrong with it is told when it is stored.
    init(literal make: () throws(ModelError) -> CanonicalText) {
        do {
            self = try make()
        } catch {
            text = "{}"
            fault = Fault(error)
        }
    }

    func validate(field: String) throws(ModelError) {
        if let fault { throw fault.error.within(field) }
    }

    private func checkLength() throws(ModelError) {
        let length = text.utf8.count
        guard length <= Limits.jsonBytes else {
            throw .tooLarge(field: "$", limit: Limits.jsonBytes, found: length, unit: "bytes")
        }
    }
}

extension CanonicalText: Hashable {
    static func == (left: CanonicalText, right: CanonicalText) -> Bool {
        left.text.equalsByBytes(right.text) && left.fault?.error == right.fault?.error
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
