import Metastore
import MetastoreQuickstart

/// Why the program ends without a result: what to say and with which exit code.
struct Failure: Error {
    let code: Int32
    let text: String

    init(code: Int32, text: String) {
        self.code = code
        self.text = text
    }

    /// The failure of a run.
    init(_ error: any Error, data: String) {
        switch error {
        case let failure as Failure: self = failure
        case StoreError.locked(let holder):
            self.init(
                code: 75,
                text: """
                    another master uses \(data): \(holder). Wait for it, stop it, or take another folder \
                    (--data). Don't delete the lock file.
                    """)
        case let error as StoreError: self.init(code: Self.code(of: error), text: "\(data): \(error)")
        case let error as FileProblem: self.init(code: 74, text: "\(error)")
        case let error as SnapshotError: self.init(code: Self.code(of: error), text: "\(data): \(error)")
        default: self.init(code: 65, text: "\(data): \(error)")
        }
    }

    private static func code(of error: StoreError) -> Int32 {
        switch error {
        case .schema, .newerSnapshot: 3
        case .unusable: 73
        case .diskFull, .notApplied, .outcomeUnknown, .engine: 74
        default: 65
        }
    }

    private static func code(of error: SnapshotError) -> Int32 {
        if case .newerVersion = error { 3 } else { 65 }
    }
}
