// metastore-migrate with the steps of a test, to be killed at any moment.
//
// up|rollback|rehearse STORE DIRECTORY CATALOGUES FAULT WATCH [LOCK-SECONDS [BACKUP]]
// copy STORE TARGET CATALOGUES FAULT WATCH
//
// Says that it has begun, and with how it ended. Between the two it says what WATCH asks for: `log`, what the tool
// would write to a log; `all`, every progress there is; or `stop:LINE`, the same, and it stops itself once after the
// line of that number, or the first one that begins so.

internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreMigration
internal import MetastoreTerminal
internal import MigrateSupport

// Somebody who may do less than whoever runs the tests.
if let user = getenv("METASTORE_TEST_USER").flatMap({ uid_t(String(cString: $0)) }) {
    guard setgid(user) == 0, setuid(user) == 0 else { exit(71) }
}
let arguments = CommandLine.arguments
guard (7...9).contains(arguments.count) else { exit(64) }
let lockSeconds = arguments.count > 7 ? Double(arguments[7]) ?? 0 : 60
let told = Told(arguments[6])
let screen = CommandScreen(told.style, now: { told.now() }, write: { told.write($0) })

told.write("begun\n")
do {
    let steps = UpgradeSteps.all(
        UpgradeSteps.Fault(rawValue: arguments[5]) ?? .none, catalogues: try UpgradeSteps.read(arguments[4]))
    let migrator = Migrator(steps: steps, appliedBy: "metastore test", host: "here")
    let place = try StoreURL(arguments[2]).upgradePlace(Password())
    let upgrade = Upgrade(place, migrator: migrator, screen: screen)
    switch arguments[1] {
    case "up":
        var options = UpOptions()
        options.backupDirectory = arguments[3]
        options.lockTimeout = .seconds(lockSeconds)
        let report = try await upgrade.up(options) { _ in }
        StandardStream.output.write("ok \(report.steps.map { "\($0.number)" }.joined(separator: " "))\n")
    case "rollback":
        var options = Upgrade.RollbackOptions()
        options.lockTimeout = .seconds(lockSeconds)
        options.backup = arguments.count > 8 ? arguments[8] : nil
        let report = try await upgrade.rollback(options) { _ in }
        StandardStream.output.write("ok \(report.schema)\n")
    case "rehearse":
        let report = try await upgrade.rehearse(in: arguments[3])
        StandardStream.output.write("ok \(report.to)\n")
    case "copy":
        let copy = CopyCommand(from: try StoreURL(arguments[2]), to: try StoreURL(arguments[3]), screen: screen)
        let report = try await copy.run(password: Password(), targetPassword: Password())
        StandardStream.output.write("ok \(report.revision)\n")
    default: exit(64)
    }
} catch {
    StandardStream.output.write("error \((error as? CommandFailure)?.status.rawValue ?? -1) \(error)\n")
    exit(1)
}
