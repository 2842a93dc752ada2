// metastore-migrate with the steps of a test, to be killed at the boundary of each.
//
// up|rollback|rehearse STORE DIRECTORY CATALOGUES FAULT MILLISECONDS
//
// Writes what the tool would write to standard error, and sleeps after every line of it.

internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreMigration
internal import MetastoreTerminal
internal import MigrateSupport

let arguments = CommandLine.arguments
guard arguments.count == 7, let pause = UInt32(arguments[6]) else { exit(64) }

let screen = UpgradeScreen(
    .plain,
    write: { text in
        StandardStream.output.write(text)
        usleep(pause * 1_000)
    })

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
        options.lockTimeout = .seconds(60)
        let report = try await upgrade.up(options) { _ in }
        StandardStream.output.write("ok \(report.steps.map { "\($0.number)" }.joined(separator: " "))\n")
    case "rollback":
        let report = try await upgrade.rollback(Upgrade.RollbackOptions()) { _ in }
        StandardStream.output.write("ok \(report.schema)\n")
    case "rehearse":
        let report = try await upgrade.rehearse(in: arguments[3])
        StandardStream.output.write("ok \(report.to)\n")
    default: exit(64)
    }
} catch {
    StandardStream.output.write("error \((error as? CommandFailure)?.status.rawValue ?? -1) \(error)\n")
    exit(1)
}
