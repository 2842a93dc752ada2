// Invariants
// 1. Items go out as they come: memory is that of one item.
// 2. Every format holds the same items.

internal import MetastoreModel

/// One thing in a list, in every form it may be asked for.
struct ListItem {
    /// An object.
    var json: String
    /// What `-o name` shows.
    var name: String
    /// What stands under the titles of `-o csv`, a line or several.
    var cells: [[String]]
    /// What people are shown.
    var lines: [String]

    init(json: String, name: String, cells: [[String]], lines: [String]) {
        (self.json, self.name, self.cells, self.lines) = (json, name, cells, lines)
    }
}

/// Prints a list item by item.
struct ListPrinter {
    let format: InspectFormat
    private let name: String
    private let write: (String) -> Void
    private var count = 0

    /// - Parameters:
    ///   - name: of the list in the one object that `json` and `yaml` are, after the members of `head`.
    ///   - titles: of `csv`; none where there are no headers.
    init(
        _ format: InspectFormat, named name: String, head: [(String, String)], titles: [String],
        write: @escaping (String) -> Void
    ) {
        (self.format, self.name, self.write) = (format, name, write)
        switch format {
        case .json: write("{" + head.map { "\(JSON.quoted($0.0)):\($0.1)," }.joined() + "\"\(name)\":[")
        case .yaml: for (name, value) in head { write("\(name): \(value)\n") }
        case .csv: if !titles.isEmpty { write(Self.line(titles)) }
        default: break
        }
    }

    /// - Throws: where the item isn't the object it says to be.
    mutating func add(_ item: ListItem) throws {
        defer { count += 1 }
        switch format {
        case .json: write((count == 0 ? "\n" : ",\n") + item.json)
        case .ndjson: write(item.json + "\n")
        case .name: write(item.name + "\n")
        case .csv: for cells in item.cells { write(Self.line(cells)) }
        case .yaml:
            if count == 0 { write("\(name):\n") }
            write(YAMLText.item(.object(try JSONObject(parsing: item.json).values)))
        case .table, .wide: for line in item.lines { write(line + "\n") }
        }
    }

    func end() {
        switch format {
        case .json: write(count == 0 ? "]}\n" : "\n]}\n")
        case .yaml: if count == 0 { write("\(name): []\n") }
        default: break
        }
    }

    private static func line(_ cells: [String]) -> String { cells.map(quoted).joined(separator: ",") + "\r\n" }

    private static func quoted(_ cell: String) -> String {
        cell.contains { $0 == "," || $0 == "\"" || $0.isNewline }
            ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
    }
}
