/// "Did you mean": what somebody may have meant by a word that isn't known.
package enum Suggestion {
    /// A sentence: what was probably meant, or what there is.
    package static func text(_ word: String, _ known: [String]) -> String {
        if let nearest = nearest(word, known) { return "Did you mean \(nearest)?" }
        guard !known.isEmpty else { return "There is none." }
        return "There " + (known.count == 1 ? "is " : "are ") + known.joined(separator: ", ") + "."
    }

    /// The known word that is nearest, if one is near enough: a third of its letters, and two at least.
    package static func nearest(_ word: String, _ known: [String]) -> String? {
        let word = word.lowercased()
        let found = known.map { (name: $0, far: distance(word, $0.lowercased())) }.min { $0.far < $1.far }
        guard let found, found.far <= max(2, found.name.count / 3), found.far < found.name.count else { return nil }
        return found.name
    }

    /// How many letters have to be put in, taken out or exchanged (Levenshtein).
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.prefix(64)), Array(right.prefix(64)))
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let changed = diagonal + (letter == right[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
