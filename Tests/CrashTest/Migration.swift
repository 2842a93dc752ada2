internal import FaultLoad
internal import Glibc
internal import MetastoreMigration
internal import MigrationSupport
internal import Migrations

/// Applies the test's steps, and says what it is at: "began N", "inside N" in its transaction, "ended N". After each it
/// sleeps, so that it can be killed there.
func migrate(_ place: String, sleeping milliseconds: UInt32) {
    var migration = TestMigration(.place(place))
    func at(_ text: String) {
        say(text)
        usleep(milliseconds * 1_000)
    }
    migration.progress = { progress in
        switch progress {
        case .began(let step): at("began \(step.number)")
        case .building(let index, _): at("building \(index.name)")
        case .ended(let step, _): at("ended \(step.number)")
        }
    }
    migration.inside = { number, _ in at("inside \(number)") }
    do {
        let applied = try migration.run()
        say("ok \(applied.map(String.init).joined(separator: " "))")
    } catch {
        say("error \(error)")
        exit(1)
    }
}
