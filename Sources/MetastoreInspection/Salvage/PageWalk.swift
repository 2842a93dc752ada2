// Invariants
// 1. Every page is visited once, whoever points to it; depth and chains are bounded, so that damage can't loop.
// 2. A tree's pages hold rows of its table only if their rows prove it, or can't be told from damaged ones of it. A
//    page whose rows are all of another kind is nobody's.
// 3. What is free is known only if the whole list of free pages can be read.

internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite

/// Where trees begin, as the schema says.
struct TreeRoots {
    /// By table.
    var tables: [String: UInt32] = [:]
    /// Full indexes by their table: they have as many entries as the table has rows.
    var indexes: [String: [UInt32]] = [:]
    /// Indexes of some rows.
    var partial: [UInt32] = []
    /// The schema itself was read, and not taken from a new store.
    var areRead = false
}

/// Goes over the pages of a database, and gives what their cells hold.
final class PageWalk {
    let images: PageImages
    private var visited: [Bool]
    /// Pages that hold the rest of a record.
    private var chained: [Bool]
    private var chain: Set<UInt32> = []
    private(set) var unreadable = 0
    private var done = 0
    private let progress: (Int, Int) throws -> Void

    /// Deeper than any tree of a file can be.
    private static let mostDeep = 20

    init(_ images: PageImages, progress: @escaping (Int, Int) throws -> Void) {
        self.images = images
        self.progress = progress
        visited = Array(repeating: false, count: images.pageCount + 1)
        chained = visited
    }

    var total: Int { images.pageCount + images.later.count }

    func step() throws {
        done += 1
        if done.isMultiple(of: 256) || done == total { try progress(min(done, total), total) }
    }

    /// Takes a page for oneself; false where somebody has it already, or where there is none.
    private func take(_ number: UInt32) throws -> Bool {
        guard number > 0, Int(number) <= images.pageCount, !visited[Int(number)] else { return false }
        visited[Int(number)] = true
        try step()
        return true
    }

    private func giveBack(_ number: UInt32) {
        visited[Int(number)] = false
        rejected.insert(number)
    }

    /// Pages where a tree leads to, and that are none of it.
    private(set) var rejected: Set<UInt32> = []

    /// A page that no tree leads to was found to hold rows.
    func assign(_ number: UInt32) { visited[Int(number)] = true }

    func tree(_ number: UInt32) throws -> BTreePage? {
        try images.page(number).flatMap { BTreePage($0, number: number, reserved: images.reserved) }
    }

    // MARK: Records

    /// The bytes of a record, with those in other pages; nil when the chain is broken.
    ///
    /// - Parameter later: pages behind a flaw of the log, which go before those of the file.
    func bytes(
        _ record: BTreePage.Record, of page: BTreePage, later: [UInt32: PageImages.LaterImage] = [:]
    ) throws -> [UInt8]? {
        chain.removeAll()
        var bytes = Array(page.bytes[record.local])
        guard var next = record.overflow else { return bytes }
        let room = page.usable - 4
        var left = record.bytes - bytes.count
        // A chain that comes back to a page would give its bytes twice.
        var seen: Set<UInt32> = []
        bytes.reserveCapacity(min(record.bytes, images.pageCount * room))
        while left > 0 {
            guard seen.insert(next).inserted, seen.count <= images.pageCount + later.count,
                let found = try later[next].map({ try images.page($0) }) ?? images.page(next)
            else { return nil }
            let count = min(left, room)
            bytes += found[4..<4 + count]
            left -= count
            next = found.bigEndian(0)
        }
        chain = seen
        return bytes
    }

    /// The record whose bytes were put together last is what it seems: the other pages it lies in are its own. A
    /// damaged one may point anywhere.
    func claimChain() throws {
        for number in chain where Int(number) <= images.pageCount && !chained[Int(number)] {
            chained[Int(number)] = true
            if !visited[Int(number)] { try step() }
        }
        chain.removeAll()
    }

    /// Whether it is known what a page holds.
    func isAssigned(_ number: Int) -> Bool { visited[number] || chained[number] }

    func fields(
        _ record: BTreePage.Record, of page: BTreePage, later: [UInt32: PageImages.LaterImage] = [:]
    ) throws -> RecordFields? {
        try bytes(record, of: page, later: later).flatMap { RecordFields($0) }
    }

    // MARK: Trees

    /// What a walk over a tree met.
    struct Tally {
        var entries = 0
        var pages = 0
        /// Pages or cells that couldn't be read, or that don't belong there.
        var flaws = 0
    }

    /// Lends every page of a tree that holds records, in order.
    ///
    /// - Parameter body: says whether the page is one of this tree; one that isn't is given back.
    func walk(
        from root: UInt32, isKeyed: Bool, _ body: (BTreePage) throws -> Bool
    ) throws -> Tally {
        var tally = Tally()
        var stack: [(page: UInt32, depth: Int, bounds: ClosedRange<Int64>)] = [(root, 0, .min ... .max)]
        while let next = stack.popLast() {
            guard next.depth < Self.mostDeep, try take(next.page) else {
                tally.flaws += 1
                continue
            }
            guard let page = try tree(next.page) else {
                unreadable += 1
                tally.flaws += 1
                giveBack(next.page)
                continue
            }
            guard page.kind.isKeyed == isKeyed, isWithin(page, next.bounds) else {
                tally.flaws += 1
                giveBack(next.page)
                continue
            }
            tally.pages += 1
            tally.flaws += page.misplaced
            if page.kind.isKeyed || page.kind.isLeaf {
                tally.entries += page.places.count + page.misplaced
                if !(try body(page)) {
                    tally.flaws += 1
                    if page.kind.isLeaf {
                        giveBack(next.page)
                        continue
                    }
                }
            }
            guard !page.kind.isLeaf else { continue }
            // In reverse: what is pushed last comes next.
            var below: [(page: UInt32, depth: Int, bounds: ClosedRange<Int64>)] = []
            var low = next.bounds.lowerBound
            for place in page.places {
                guard let cell = page.cell(at: place), let child = cell.child else {
                    tally.flaws += 1
                    continue
                }
                let high = cell.number ?? .max
                below.append((child, next.depth + 1, low...max(low, high)))
                if let number = cell.number, number < .max { low = max(low, number + 1) }
            }
            if let last = page.last { below.append((last, next.depth + 1, low...max(low, next.bounds.upperBound))) }
            stack += below.reversed()
        }
        return tally
    }

    /// The numbers of its rows lie where the page above says: another one put in its place shows.
    private func isWithin(_ page: BTreePage, _ bounds: ClosedRange<Int64>) -> Bool {
        guard page.kind == .numberedLeaf, bounds != .min ... .max else { return true }
        let numbers = page.places.compactMap { page.cell(at: $0)?.number }
        // One number may be damaged by itself.
        return numbers.isEmpty || numbers.contains { bounds.contains($0) }
    }

    // MARK: Free pages

    /// Pages that the database has given up; nil where that can't be told.
    func freePages() throws -> Set<UInt32>? {
        guard images.hasHeader, let header = try images.page(1) else { return nil }
        var trunk = header.bigEndian(32)
        let count = Int(header.bigEndian(36))
        guard count <= images.pageCount else { return nil }
        var free: Set<UInt32> = []
        while trunk > 0 {
            guard free.insert(trunk).inserted, Int(trunk) <= images.pageCount, let page = try images.page(trunk) else {
                return nil
            }
            let leaves = Int(page.bigEndian(4))
            guard leaves <= images.pageBytes / 4 - 2 else { return nil }
            for index in 0..<leaves {
                let leaf = page.bigEndian(8 + 4 * index)
                guard leaf > 0, Int(leaf) <= images.pageCount, free.insert(leaf).inserted else { return nil }
            }
            trunk = page.bigEndian(0)
        }
        return free.count == count ? free : nil
    }

    func visit(_ pages: Set<UInt32>) throws {
        for number in pages.sorted() { _ = try take(number) }
    }

    // MARK: The schema

    /// Where the trees begin: as the schema's own rows say, or as in a new store where they can't be read.
    func roots(_ tables: [SalvagedTable]) throws -> TreeRoots {
        var roots = TreeRoots()
        var names: Set<String> = []
        let tally = try walk(from: 1, isKeyed: false) { page in
            for place in page.places {
                guard let record = page.cell(at: place)?.record, let fields = try fields(record, of: page),
                    fields.count == 5, let type = fields.text(0), let name = fields.text(1),
                    let table = fields.text(2), let root = fields.integer(3), root > 1, root <= images.pageCount
                else { continue }
                let root32 = UInt32(root)
                if type == "table" {
                    roots.tables[name] = root32
                    names.insert(name)
                } else if type == "index", fields.isNull(4) || fields.text(4)?.contains(" WHERE ") == false {
                    roots.indexes[table, default: []].append(root32)
                } else if type == "index" {
                    roots.partial.append(root32)
                }
            }
            return true
        }
        roots.areRead = tally.flaws == 0 && tables.allSatisfy { names.contains($0.name) }
        for table in tables where roots.tables[table.name] == nil { roots.tables[table.name] = table.root }
        return roots
    }
}
