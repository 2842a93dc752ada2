internal import MetastoreEngine
internal import MetastoreModel

/// One run of a copy, from the source's snapshot to the target's head row.
struct CopyRun {
    let source: CopySource
    let target: CopyTarget
    let options: StoreCopy.Options
    let tell: (CopyEvent) throws -> Void

    func run() throws -> StoreCopy.Report {
        guard source.engine.place != target.engine.place else {
            throw StoreError.misuse(reason: "a store can't be copied onto itself; name another target.")
        }
        let head = source.head
        let fresh = head.mark(run: Int64(bitPattern: options.time.random()), first: source.tables[0].name)
        let beginning: CopyBeginning
        var mark = fresh
        switch CopyPlan(source: head, found: try target.look(for: head.head), place: target.engine.place) {
        case .refuse(let error): throw error
        case .nothingToDo:
            try tell(.began(.finishedBefore))
            return report(.finishedBefore, mark)
        case .begin:
            beginning = .fromNothing
            try tell(.began(beginning))
            try target.create(mark, schema: head.head.schema)
        case .goOn(let found):
            beginning = .resumed(rows: found.rows)
            try tell(.began(beginning))
            mark = found
            mark.run = fresh.run
            try target.takeOver(mark)
        case .beginAnew(let found, let schema):
            beginning = .anew(from: found.revision, to: head.head.revision)
            try tell(.began(beginning))
            try target.beginAnew(mark, from: schema, to: head.head.schema)
        }
        try copy(&mark)
        // Its snapshot holds back what the source would clean up.
        source.close()
        try target.verify(source.tables, head.head) { table, rows in
            try tell(.verified(CopyProgress(table: table.name, rows: rows, of: nil, bytes: mark.bytes)))
        }
        try target.finish(mark, head)
        return report(beginning, mark)
    }

    private func report(_ beginning: CopyBeginning, _ mark: CopyMark) -> StoreCopy.Report {
        StoreCopy.Report(
            position: source.head.head.position, beginning: beginning, rows: mark.rows, bytes: mark.bytes)
    }

    /// Every table from the mark's on.
    private func copy(_ mark: inout CopyMark) throws {
        guard let first = source.tables.firstIndex(where: { $0.name == mark.table }),
            let digests = StateDigests(bytes: mark.digests)
        else { throw mark.error(target.engine.place) }
        var check = CopyCheck(place: source.engine.place, head: source.head.head)
        check.resume(digests, after: try target.lastLink())
        for (index, table) in source.tables.enumerated().dropFirst(first) {
            if index > first { (mark.table, mark.tableRows) = (table.name, 0) }
            let last = index == first ? try target.lastKey(of: table) : nil
            try copy(table, after: last, &mark, &check)
            try check.end(table)
        }
        try check.end()
    }

    private func copy(
        _ table: CopiedTable, after key: [Value]?, _ mark: inout CopyMark, _ check: inout CopyCheck
    ) throws {
        let all = try source.rows(of: table)
        var rows: [[Value]] = []
        var bytes = 0
        func write(_ mark: inout CopyMark, _ check: CopyCheck) throws {
            mark.tableRows += Int64(rows.count)
            mark.rows += Int64(rows.count)
            mark.bytes += Int64(bytes)
            mark.digests = check.digests.bytes
            try target.write(rows, of: table, mark)
            rows.removeAll(keepingCapacity: true)
            bytes = 0
            try tell(.copied(CopyProgress(table: table.name, rows: mark.tableRows, of: all, bytes: mark.bytes)))
        }
        try source.forEachRow(of: table, after: key) { row in
            try check.check(row, of: table)
            rows.append(row)
            bytes += row.reduce(0) { $0 + $1.payloadBytes }
            if rows.count >= options.batchRows || bytes >= options.batchBytes { try write(&mark, check) }
        }
        if !rows.isEmpty { try write(&mark, check) }
    }
}
