internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

extension ReportReader {
    func readAgents(_ data: inout ReportData) throws {
        data.agentStates = try states(.agent)
        data.agents.total = data.agentStates.reduce(0) { $0 + $1.count }
        data.agents.rows = try records(RecordQuery(.agent), limit: bounds.agents) { record in
            guard case .agent(let id) = record.key else { return nil }
            return ReportData.AgentRow(
                id: id, pool: record.text("pool"), state: record.text("state"), isEnabled: record.flag("is_enabled"),
                address: record.text("address"), heartbeat: record.time("last_heartbeat"))
        }
        let places = Dictionary(
            data.agents.rows.indices.map { (data.agents.rows[$0].id, $0) }, uniquingKeysWith: { first, _ in first })
        try inspection.connection.forEachRow("SELECT agent, count(*), count(container) FROM slots GROUP BY agent") {
            row in
            let (slots, used) = (Int(try row.integer(1)), Int(try row.integer(2)))
            data.slots += slots
            data.usedSlots += used
            if let place = places[try row.text(0)] {
                data.agents.rows[place].slots = slots
                data.agents.rows[place].usedSlots = used
            }
            return true
        }
    }

    func consumers(_ head: ReportData.Head) throws -> ReportData.Shown<ReportData.ConsumerRow> {
        let rows = try records(RecordQuery(.consumer), limit: bounds.consumers) { record -> ReportData.ConsumerRow? in
            guard case .consumer(let name) = record.key else { return nil }
            let position = record.integer("position_revision") ?? 0
            let (behind, overflow) = head.revision.rawValue.subtractingReportingOverflow(position)
            var kinds: [String] = []
            if case .list(let list) = record["kinds"] { kinds = list }
            let under: String? = if case .text(let text) = record["under"] { text } else { nil }
            return ReportData.ConsumerRow(
                name: name, kinds: kinds, under: under, isExpired: record.flag("is_expired"), position: position,
                time: position > 0 ? record.time("position_time") : nil,
                lag: isPast || overflow ? nil : max(0, behind))
        }
        return ReportData.Shown(rows: rows, total: Int(try inspection.store.count(of: .consumer)))
    }
}
