/// Where a trial goes, and who goes first. Pure functions over plain values.
package enum Placement {
    /// One who waits for slots: first by priority (smaller first), then by ticket (taken when the wait began;
    /// a trial that lost its agent keeps its own).
    package struct Waiting: Hashable, Sendable, Comparable {
        package let priority: Int
        package let ticket: Int
        package let request: RequestID

        package init(priority: Int, ticket: Int, request: RequestID) {
            self.priority = priority
            self.ticket = ticket
            self.request = request
        }

        package static func < (left: Waiting, right: Waiting) -> Bool {
            (left.priority, left.ticket, left.request) < (right.priority, right.ticket, right.request)
        }
    }

    /// Agents for a trial that needs so many slots, or nil while there is no room.
    ///
    /// On one agent, if one could ever hold it: the fullest that has room, so that others stay free for
    /// bigger trials; of equals the first. Otherwise on whole free agents, the first ones.
    /// - Parameter free: for each agent its free slots, or nil while it is lost.
    package static func find(slots: Int, free: [Int?], slotsPerAgent: Int) -> [AgentShare]? {
        if slots <= slotsPerAgent {
            let fitting = free.enumerated().compactMap { agent, free in free.map { (free: $0, agent: agent) }
            }
            .filter { $0.free >= slots }
            return fitting.min { $0 < $1 }.map { [AgentShare(agent: $0.agent, slots: slots)] }
        }
        let whole = free.indices.filter { free[$0] == slotsPerAgent }.prefix(slots / slotsPerAgent)
        guard whole.count * slotsPerAgent == slots else { return nil }
        return whole.map { AgentShare(agent: $0, slots: slotsPerAgent) }
    }
}
