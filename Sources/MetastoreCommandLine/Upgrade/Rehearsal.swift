internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreSQLite
package import MetastoreTerminal

/// What `rehearse` found.
package struct RehearsalReport: CommandReport, Codable {
    package let store: String
    package let from: Int64
    package let to: Int64
    package let time: String
    package let steps: [AppliedStep]
    package let copySeconds: Double
    package let verifySeconds: Double
    package let rows: Int
    package let bytesBefore: Int
    package let bytesAfter: Int
    /// Where the copy is; nil when it was thrown away.
    package let copy: String?

    package func seconds(of step: Int64) -> Double? { steps.first { $0.number == step }?.seconds }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", store)
        guard !steps.isEmpty else {
            fields.add("schema", "\(to): nothing to rehearse", .green)
            return fields.lines(style)
        }
        fields.add("schema", "\(from) to \(to), on a copy; the store itself wasn't touched", .green)
        fields.add("copy", Shown.duration(.seconds(copySeconds)))
        for step in steps {
            fields.add("step \(step.number)", "\(step.name), \(Shown.duration(.seconds(step.seconds)))")
        }
        fields.add(
            "verified", "\(Shown.count(rows, "row")), no findings, \(Shown.duration(.seconds(verifySeconds)))", .green)
        let growth = bytesAfter - bytesBefore
        fields.add(
            "size",
            "\(Shown.bytes(bytesBefore)) before, \(Shown.bytes(bytesAfter)) after"
                + (growth > 0 ? " (\(Shown.bytes(growth)) more)" : ""))
        if let copy { fields.add("kept", copy) }
        return fields.lines(style)
    }

    /// Reads what `rehearse -o json` wrote.
    package init(file: String) throws(CommandFailure) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure(.missing, "\(file): the rehearsal's report can't be read. Check its path.")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch {
            throw CommandFailure(
                .damaged,
                "\(file): this is no report of a rehearsal. Write one with metastore-migrate rehearse -o json >FILE.")
        }
    }

    init(
        _ upgrade: Upgrade, from: Int64, steps: [AppliedStep] = [], copySeconds: Double = 0,
        verification: VerifyReport? = nil, bytesBefore: Int = 0, bytesAfter: Int = 0, copy: String? = nil
    ) {
        store = upgrade.store
        self.from = from
        to = steps.last?.number ?? from
        time = Upgrade.seconds(Upgrade.now())
        self.steps = steps
        self.copySeconds = copySeconds
        verifySeconds = verification?.seconds ?? 0
        rows = verification?.rows ?? 0
        self.bytesBefore = bytesBefore
        self.bytesAfter = bytesAfter
        self.copy = copy
    }
}

extension Upgrade {
    /// Runs the whole plan on a copy of the real data, beside whoever works with it, and throws the copy away.
    ///
    /// - Parameters:
    ///   - directory: where the copy of a file goes; beside the database unless given.
    ///   - keeping: leaves the copy.
    package func rehearse(
        target: Int64? = nil, in directory: String? = nil, keeping: Bool = false
    ) async throws(CommandFailure) -> RehearsalReport {
        try await failing {
            let sight = try sight()
            try refuseHalfRestored(sight)
            let status = try reading { try migrator.status($0) }
            guard try !Self.steps(of: status, to: target).isEmpty else {
                return RehearsalReport(self, from: status.found)
            }
            let suffix = keeping ? "rehearsal-\(Self.stamp(hasMilliseconds: true))" : "rehearsal"
            let scratch = try place.scratch(suffix, in: directory, isKept: keeping)
            let copy = Upgrade(scratch, migrator: migrator, screen: screen)
            if let near = directory ?? place.backupDirectory { try refuseNarrow(near, sight) }
            do {
                let report = try await rehearse(on: copy, from: status.found, to: target, isKept: keeping)
                if !keeping { try copy.place.remove() }
                return report
            } catch {
                if !keeping { try? copy.place.remove() }
                throw error
            }
        }
    }

    private func refuseNarrow(_ directory: String, _ sight: PlaceSight) throws {
        let free = try DatabaseFiles.freeBytes(in: directory)
        let needed = sight.bytes + UpgradeLimits.spareBytes
        guard free >= needed else {
            throw CommandFailure(
                .inputOutput,
                "\(directory): a copy takes \(Shown.bytes(needed)), and \(Shown.bytes(free)) are free. Nothing was "
                    + "changed. Make room, or rehearse in another directory: --in DIRECTORY.")
        }
    }

    private func rehearse(
        on copy: Upgrade, from: Int64, to target: Int64?, isKept: Bool
    ) async throws -> RehearsalReport {
        let began = ContinuousClock.now
        try await copy.place.fill(from: place) { [screen] title, done, total, unit in
            screen.show("copy: \(title)", done, total, unit)
        }
        screen.clear()
        let copied = (ContinuousClock.now - began).shownSeconds
        let before = try copy.place.look().bytes
        let held = try copy.hold(waiting: .zero)
        defer { held.close() }
        let lock = try migrator.takeLock(held.connection, waiting: .zero, now: Self.now)
        defer { lock.release(held.connection) }
        let steps = try copy.apply(held, lock, to: target, backup: nil)
        let verification = try copy.finish(held)
        return RehearsalReport(
            self, from: from, steps: steps, copySeconds: copied, verification: verification, bytesBefore: before,
            bytesAfter: try copy.place.look().bytes, copy: isKept ? copy.store : nil)
    }
}
