// Invariants
// 1. A row goes on to the new store only as what its own hash proves it to be; whose it is is never guessed.
// 2. A row from a page that no tree leads to counts as the newest only if the page can't have been given up.

internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite

/// Finds the rows in the pages of a database, and puts them into a new store.
final class SalvageScan {
    private let images: PageImages
    private let target: SalvageTarget
    private let aside: AsideFile
    let walk: PageWalk
    private(set) var doubtful: [String: Int] = [:]
    /// Rows by what trees and indexes that could be read whole say.
    private(set) var expected: [String: Int] = [:]
    private(set) var hasSchema = false
    private(set) var free: Set<UInt32>?
    /// Pages of which some cells can't be read where they should be.
    private var damagedPages: [BTreePage] = []
    private(set) var hasFlaws = false

    init(
        _ images: PageImages, into target: SalvageTarget, aside: AsideFile,
        progress: @escaping (Int, Int) throws -> Void
    ) {
        self.images = images
        self.target = target
        self.aside = aside
        walk = PageWalk(images, progress: progress)
    }

    // MARK: Trees

    func takeTrees() throws {
        let roots = try walk.roots(target.tables)
        hasSchema = roots.areRead
        free = try walk.freePages()
        // The head row comes first: the others are held against it.
        for table in target.tables.sorted(by: { first, second in first.name == "head" && second.name != "head" }) {
            guard let root = roots.tables[table.name] else { continue }
            let tally = try walk.walk(from: root, isKeyed: table.isKeyed) { page in try take(page, of: table) }
            hasFlaws = hasFlaws || tally.flaws > 0
            if tally.flaws == 0 { expected[table.name] = tally.entries }
        }
        guard roots.areRead else {
            hasFlaws = true
            return
        }
        let names = Set(target.tables.map(\.name))
        for (table, indexes) in roots.indexes {
            for root in indexes {
                guard let tally = try pass(root), tally.flaws == 0, names.contains(table) else { continue }
                expected[table] = max(expected[table] ?? 0, tally.entries)
            }
        }
        for root in roots.partial { _ = try pass(root) }
        for (name, root) in roots.tables where !names.contains(name) { _ = try pass(root) }
        if let free { try walk.visit(free) }
    }

    /// Goes over a tree whose entries aren't needed.
    private func pass(_ root: UInt32) throws -> PageWalk.Tally? {
        guard let first = try walk.tree(root) else { return nil }
        return try walk.walk(from: root, isKeyed: first.kind.isKeyed) { page in
            for (index, place) in page.places.enumerated() {
                guard let record = page.cell(at: place)?.record, index == 0 || record.overflow != nil else { continue }
                let fields = try walk.fields(record, of: page)
                // A page of a table may have got into the place of one of an index.
                if let fields, try isRow(fields, number: nil, than: "") { return false }
                try walk.claimChain()
            }
            return true
        }
    }

    /// The rows of a page of a table's tree.
    private func take(_ page: BTreePage, of table: SalvagedTable) throws -> Bool {
        var proven = 0
        var failed: [[Value]?] = Array(repeating: nil, count: page.misplaced)
        for place in page.places {
            guard let cell = page.cell(at: place), let record = cell.record,
                let values = try walk.fields(record, of: page)?.values(table, number: cell.number)
            else {
                failed.append(nil)
                continue
            }
            if try put(values, of: table, .current) { proven += 1 } else { failed.append(values) }
        }
        guard !failed.isEmpty else { return true }
        hasFlaws = true
        if proven == 0, try isOfAnother(page, than: table) { return false }
        damagedPages.append(page)
        doubtful[table.name, default: 0] += failed.count
        for case let values? in failed {
            let named = zip(table.columns, values).map { (name: $0.name, value: $1) }
            try aside.add(
                SalvagedAside(
                    table: table.name, key: nil, values: named, why: "damaged: its hash is not that of its values"))
        }
        return true
    }

    private func isOfAnother(_ page: BTreePage, than table: SalvagedTable) throws -> Bool {
        for place in page.places {
            guard let cell = page.cell(at: place), let record = cell.record,
                let fields = try walk.fields(record, of: page)
            else { continue }
            if try isRow(fields, number: cell.number, than: table.name) { return true }
        }
        return false
    }

    /// Whether these are proven to be a row of another table.
    private func isRow(_ fields: RecordFields, number: Int64?, than table: String) throws -> Bool {
        for other in target.tables where other.name != table && other.kind != nil {
            guard let values = fields.values(other, number: number) else { continue }
            if let row = try? other.record(values), row.isProven { return true }
        }
        return false
    }

    /// - Returns: whether the values are a row of the table.
    private func put(_ values: [Value], of table: SalvagedTable, _ standing: SalvagedStanding) throws -> Bool {
        guard table.kind != nil else {
            switch table.name {
            case "log":
                guard case .bytes(let chain)? = values.last, chain.count == 32 else { return false }
                try target.putLog(values)
            case "head": target.putHead(values)
            default: try target.putEpoch(values)
            }
            try walk.claimChain()
            return true
        }
        guard let row = try? table.record(values), row.isProven else { return false }
        try walk.claimChain()
        try target.put(values, row, of: table, standing)
        return true
    }

    // MARK: Pages that no tree leads to

    /// - Parameter missing: the kinds whose rows are not all there.
    func takeStrays(_ missing: Set<RecordKind>) throws {
        // Nothing ties an epoch in a stray page to this store.
        let tables = target.tables.filter { table in
            table.kind.map(missing.contains) ?? (table.name != "epochs" || !target.hasHead)
        }
        let last = try images.statedCount() ?? 0
        for index in 2..<max(2, images.pageCount + 1) where !walk.isAssigned(index) {
            let number = UInt32(index)
            try walk.step()
            guard let bytes = try images.page(number), bytes.contains(where: { $0 != 0 }) else { continue }
            // Not free, and not put in the place of another: it is of a tree whose upper pages are lost.
            let isOfTree = free != nil && index <= last && !walk.rejected.contains(number)
            let standing: SalvagedStanding = isOfTree ? .current : .unknown
            var count = 0
            if let page = BTreePage(bytes, number: number, reserved: images.reserved), page.misplaced == 0 {
                count = try take(page, ofAny: tables, standing)
            }
            if count == 0 { count = try takeRemains(bytes, tables) }
            if count > 0 { walk.assign(number) }
        }
        for page in damagedPages { _ = try takeRemains(page.bytes, tables) }
        let newest = Dictionary(images.later.map { ($0.number, $0) }) { _, later in later }
        for image in images.later {
            try walk.step()
            guard let bytes = try images.page(image),
                let page = BTreePage(bytes, number: image.number, reserved: images.reserved)
            else { continue }
            _ = try take(page, ofAny: tables, .unknown, later: newest)
        }
    }

    /// The cells of a page as rows of whichever table they prove to be of.
    private func take(
        _ page: BTreePage, ofAny tables: [SalvagedTable], _ standing: SalvagedStanding,
        later: [UInt32: PageImages.LaterImage] = [:]
    ) throws -> Int {
        var count = 0
        for place in page.places {
            if let cell = page.cell(at: place), try take(cell, of: page, ofAny: tables, standing, later: later) {
                count += 1
            }
        }
        return count
    }

    private func take(
        _ cell: BTreePage.Cell, of page: BTreePage, ofAny tables: [SalvagedTable], _ standing: SalvagedStanding,
        later: [UInt32: PageImages.LaterImage] = [:]
    ) throws -> Bool {
        guard let record = cell.record, let fields = try walk.fields(record, of: page, later: later) else {
            return false
        }
        for table in tables {
            guard let values = fields.values(table, number: cell.number) else { continue }
            if try put(values, of: table, standing) { return true }
        }
        return false
    }

    /// Looks for cells anywhere in bytes whose own list of them is lost. What isn't in that list may be an older row.
    private func takeRemains(_ bytes: [UInt8], _ tables: [SalvagedTable]) throws -> Int {
        var count = 0
        let counts = Set(tables.map(\.columns.count))
        for kind in [BTreePage.Kind.numberedLeaf, .keyedLeaf] {
            let page = BTreePage(remainsOf: bytes, as: kind, reserved: images.reserved)
            for place in 0..<page.usable - 4 {
                // A row of any table has a header of some bytes, all of it in this page.
                guard let cell = page.cell(at: place), let record = cell.record, record.bytes > 8,
                    let header = bytes[record.local].first, header > 3, header < 0x80, record.local.count > Int(header),
                    RecordFields.countFields(bytes[record.local].prefix(Int(header))).map(counts.contains) == true
                else { continue }
                if try take(cell, of: page, ofAny: tables, .unknown) { count += 1 }
            }
        }
        return count
    }
}
