import Glibc
import MetastoreQuickstart
import MetastoreTerminal
import Synchronization

/// Standard error, where progress is shown: bars on a terminal, lines elsewhere.
///
/// It leaves the terminal as it was at every moment, since it may be killed at any.
final class Screen: Sendable {
    let style = StandardStream.error.style
    private let state = Mutex(State())

    private struct State {
        var painted = 0
        var isOpen = true
        var name = ""
    }

    /// Shows what happened.
    func show(_ news: MasterNews) {
        switch news {
        case .began(let experiment, let configuration, let simulation, let epoch):
            let count = simulation.state.eventCount
            let beginning = count == 0 ? "begins" : "goes on after \(Shown.count(count, "event"))"
            say("experiment \(experiment): \(configuration.name) \(beginning) (epoch \(epoch))")
            state.withLock { $0.name = configuration.name }
            if style.isLive { return paint(simulation) }
            guard count == 0 else { return }
            for decision in Simulation.begin(simulation.plan).1 {
                if let line = ProgressView.plainLine(decision, at: simulation.state.now) { say(line) }
            }
        case .moved(let decisions, let metrics, let simulation):
            if style.isLive { return paint(simulation) }
            for decision in decisions {
                let line = ProgressView.plainLine(decision, at: simulation.state.now, metrics: metrics)
                if let line { say(line) }
            }
        case .collected(let count, let bytes):
            guard !style.isLive else { return }
            say("collected \(Shown.count(count, "checkpoint")), \(Shown.bytes(bytes))")
        }
    }

    /// One line for itself.
    func say(_ text: String) {
        state.withLock { state in
            let above = state.painted > 0 ? "\u{1B}[\(state.painted)A\r\u{1B}[J" : ""
            state.painted = 0
            StandardStream.error.write(above + text + "\n")
        }
    }

    /// Leaves what was painted and gives the terminal back.
    func close() {
        state.withLock { state in
            state.isOpen = false
            state.painted = 0
        }
    }

    private func paint(_ simulation: Simulation) {
        guard style.isLive else { return }
        state.withLock { state in
            guard state.isOpen else { return }
            let style = StandardStream.error.style  // it may have been resized
            let lines = ProgressView.lines(ProgressPicture(of: simulation, named: state.name), style)
            // The cursor stays visible: who is killed can't show it again.
            StandardStream.error.write(ProgressView.repaint(lines, replacing: state.painted))
            state.painted = lines.count
        }
    }
}
