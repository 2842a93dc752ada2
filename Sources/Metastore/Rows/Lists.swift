internal import MetastoreModel

/// The labels of an experiment as canonical JSON.
enum TextList {
    static func text(_ list: [String]) throws(StoreError) -> String {
        if list.isEmpty { return "{}" }
        do {
            return try JSONObject(["list": .array(list.map(JSON.string))]).text
        } catch {
            throw StoreError(error)
        }
    }

    /// nil for what is no such list.
    static func parse(_ text: UTF8Span) -> [String]? {
        text.span.count == 2 ? [] : JSONObject.texts("list", of: text)
    }
}

/// A list of numbers as text, separated by commas.
enum NumberList {
    static func text(_ list: [Int64]) -> String { list.map(String.init).joined(separator: ",") }

    static func parse(_ text: String, place: String) throws(StoreError) -> [Int64] {
        var list: [Int64] = []
        for part in text.split(separator: ",") {
            guard let number = Int64(part) else { throw .damaged(place: place, reason: "it is not a list of numbers") }
            list.append(number)
        }
        return list
    }
}
