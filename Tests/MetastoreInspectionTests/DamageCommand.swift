internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTerminal
internal import Synchronization

/// A command of the inspector, as it is asked of files of which nobody knows what became of them.
enum DamageCommand: Sendable, Hashable {
    case info, quick, full, log, export, sql, report
    case list(RecordKind), past(RecordKind, String), describe(String), tree(String), history(String)
    case metrics(String), diff(String)

    /// What came of it.
    struct Answer {
        var output = ""
        var errors = ""
        var status = MetastoreCommandLine.ExitStatus.success
        /// Nothing was answered, and this is why.
        var failure: CommandFailure?
        /// Of a processor's time: how long it ran, whatever else the machine did.
        var seconds = 0.0

        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    private var moment: String? { if case .past(_, let moment) = self { moment } else { nil } }

    /// In a process that goes on, so that a trap would be seen.
    func run(_ path: String, wal: FrozenFile.LogChoice = .last) -> Answer {
        let began = Self.processorSeconds
        var options = InspectOptions(path, at: moment)
        options.writeAheadLog = wal
        let asked = Asked(options, ask)
        var answer = Answer()
        (answer.output, answer.errors) = (asked.output, asked.errors)
        (answer.failure, answer.status) = (asked.failure, asked.status)
        answer.seconds = Self.processorSeconds - began
        return answer
    }

    private func ask(_ session: InspectSession) throws -> MetastoreCommandLine.ExitStatus {
        switch self {
        case .info: try session.info(sizes: true)
        case .quick: return try session.check(.quick)
        case .full: return try session.check(.full)
        case .log: try session.log(after: nil, kinds: .all, under: nil, limit: nil)
        case .export: try session.export([])
        case .sql: try session.sql("SELECT id, state, best_metric FROM trials ORDER BY best_metric")
        case .report: try session.report(to: nil, isForced: false)
        case .list(let kind), .past(let kind, _): try session.list(RecordQuery(kind), limit: nil)
        case .describe(let key): try session.describe(key)
        case .tree(let key): try session.tree(key, all: true)
        case .history(let key): try session.history(key)
        case .metrics(let trial): try session.metrics([trial], named: nil, isPlotted: false)
        case .diff(let other): return try session.diff(with: other, at: nil)
        }
        return .success
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The commands in turn, each about something else of the store every time.
    static func inTurn(
        _ number: Int, _ store: Undamaged, original: String, _ random: inout some RandomNumberGenerator
    ) -> DamageCommand {
        let kind = RecordKind.allCases.filter { $0 != .cluster }.randomElement(using: &random)!
        let key = store.keys.randomElement(using: &random)!.path
        let revision = store.states.keys.randomElement(using: &random)!.rawValue - Int64(number % 3)
        func any(_ kind: RecordKind) -> String {
            store.keys.filter { $0.kind == kind }.randomElement(using: &random)!.path
        }
        return switch number % 16 {
        case 0: .info
        case 1, 9: .full
        case 2: .list(kind)
        case 3: .export
        case 4: .describe(key)
        case 5: .tree(any(.experiment))
        case 6: .history(key)
        case 7: .log
        case 8: .metrics(any(.trial))
        case 10: .diff(original)
        case 11: .sql
        case 12: .report
        case 13: .past(kind, "\(max(1, revision))")
        case 14: .list([.trial, .workload, .keyValue, .document].randomElement(using: &random)!)
        default: .quick
        }
    }
}
