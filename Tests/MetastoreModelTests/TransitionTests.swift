import MetastoreModel
import Testing

/// DOMAIN's tables, written down a second time: from, to, occasion.
@Suite struct `Transitions` {
    @Test func `of an experiment are those of the table and no other`() {
        let running = "PAUSED STOPPING_CANCELED STOPPING_KILLED STOPPING_COMPLETED STOPPING_ERROR ERROR"
        check(
            ExperimentState.self,
            [
                "ACTIVE": running,
                "PAUSED": "ACTIVE STOPPING_CANCELED STOPPING_KILLED STOPPING_COMPLETED STOPPING_ERROR ERROR",
                "STOPPING_CANCELED": "CANCELED STOPPING_KILLED STOPPING_ERROR ERROR",
                "STOPPING_KILLED": "CANCELED STOPPING_ERROR ERROR",
                "STOPPING_COMPLETED": "COMPLETED STOPPING_ERROR ERROR",
                "STOPPING_ERROR": "ERROR",
            ],
            only: [
                .restartOnly: ["STOPPING_ERROR": "ACTIVE"],
                .continueOnly: ["CANCELED": "PAUSED", "COMPLETED": "PAUSED", "ERROR": "PAUSED"],
                .deletionOnly: [
                    "CANCELED": "DELETING", "COMPLETED": "DELETING", "ERROR": "DELETING",
                    "DELETING": "DELETE_FAILED", "DELETE_FAILED": "DELETING",
                ],
            ],
            terminal: "CANCELED COMPLETED ERROR")
    }

    @Test func `of a trial are those of the table and no other`() {
        check(
            TrialState.self,
            [
                "ACTIVE":
                    "PAUSED STOPPING_CANCELED STOPPING_KILLED STOPPING_COMPLETED STOPPING_ERROR COMPLETED ERROR",
                "PAUSED": "ACTIVE STOPPING_CANCELED STOPPING_KILLED STOPPING_COMPLETED STOPPING_ERROR ERROR",
                "STOPPING_COMPLETED": "COMPLETED STOPPING_CANCELED STOPPING_KILLED STOPPING_ERROR ERROR",
                "STOPPING_CANCELED": "CANCELED STOPPING_KILLED STOPPING_ERROR ERROR",
                "STOPPING_KILLED": "CANCELED STOPPING_ERROR ERROR",
                "STOPPING_ERROR": "ERROR",
            ],
            only: [
                .restartOnly: ["STOPPING_ERROR": "ACTIVE"],
                .continueOnly: ["CANCELED": "ACTIVE", "COMPLETED": "ACTIVE", "ERROR": "ACTIVE"],
            ],
            terminal: "CANCELED COMPLETED ERROR")
    }

    @Test func `of workloads and checkpoints are those of the text`() {
        check(WorkloadState.self, ["ACTIVE": "COMPLETED ERROR"], terminal: "COMPLETED ERROR")
        check(
            CheckpointState.self,
            [
                "ACTIVE": "COMPLETED ERROR", "COMPLETED": "PARTIALLY_DELETED DELETED",
                "PARTIALLY_DELETED": "PARTIALLY_DELETED DELETED",
            ],
            terminal: "DELETED ERROR")
    }

    @Test func `of allocations and instances go forward and may skip`() {
        checkForward(
            AllocationState.self, "PENDING ASSIGNED PULLING STARTING RUNNING WAITING TERMINATING TERMINATED")
        checkForward(InstanceState.self, "REQUESTED STARTING RUNNING STOPPING TERMINATED")
    }

    @Test func `of containers, agents and spot requests are those of the text`() {
        check(
            ContainerState.self,
            [
                "ASSIGNED": "PULLING TERMINATED", "PULLING": "STARTING TERMINATED",
                "STARTING": "RUNNING TERMINATED",
                "RUNNING": "TERMINATED",
            ],
            terminal: "TERMINATED")
        check(
            AgentState.self, ["ACTIVE": "DRAINING GONE", "DRAINING": "GONE"],
            only: [.registrationOnly: ["DRAINING": "ACTIVE", "GONE": "ACTIVE"]], terminal: "GONE")
        check(
            SpotRequestState.self,
            ["PENDING": "FULFILLED CANCELED FAILED", "FULFILLED": "CANCELED", "CANCELED": "FULFILLED"],
            terminal: "CANCELED FAILED")
    }

    @Test func `that a person may ask for are four`() {
        #expect(
            Set(ExperimentState.settableByPerson.map(\.name))
                == ["ACTIVE", "PAUSED", "STOPPING_CANCELED", "STOPPING_KILLED"])
    }

    @Test func `add no trial to what is over or going`() {
        let refusing = ExperimentState.allCases.filter { !$0.acceptsTrials }.map(\.name)
        #expect(Set(refusing) == ["CANCELED", "COMPLETED", "ERROR", "DELETING", "DELETE_FAILED"])
    }

    private func checkForward<State: TransitionState>(_ type: State.Type, _ names: String) {
        let names = names.split(separator: " ").map(String.init)
        let table = names.indices.map { (names[$0], names[($0 + 1)...].joined(separator: " ")) }
        check(type, Dictionary(uniqueKeysWithValues: table), terminal: names.last!)
    }

    /// Every pair of states on every occasion, against the literal table.
    private func check<State: TransitionState>(
        _: State.Type, _ always: [String: String],
        only: [TransitionOccasion: [String: String]] = [:], terminal: String
    ) {
        func lists(_ table: [String: String]?, _ from: State, _ to: State) -> Bool {
            (table?[from.name] ?? "").split(separator: " ").contains { $0 == to.name }
        }
        for name in always.flatMap({ [$0.key] + $0.value.split(separator: " ").map(String.init) }) {
            #expect(State(name: name) != nil, "\(State.self) has no \(name)")
        }
        for from in State.allCases {
            for to in State.allCases {
                for occasion in TransitionOccasion.allCases {
                    let expected = lists(always, from, to) || lists(only[occasion], from, to)
                    #expect(
                        from.isAllowed(to: to, occasion: occasion) == expected, "\(from) → \(to), \(occasion)"
                    )
                }
            }
            #expect(from.isTerminal == terminal.split(separator: " ").contains { $0 == from.name }, "\(from)")
        }
    }
}

@Suite struct `Stored codes` {
    @Test func `of states begin at 1 and have no holes, and names lead back to them`() {
        check(ExperimentState.self, 11)
        check(TrialState.self, 9)
        check(WorkloadState.self, 3)
        check(CheckpointState.self, 5)
        check(AllocationState.self, 8)
        check(ContainerState.self, 5)
        check(AgentState.self, 3)
        check(InstanceState.self, 5)
        check(SpotRequestState.self, 4)
        check(WorkloadKind.self, 4)
        check(TaskKind.self, 6)
        check(DeviceKind.self, 2)
        check(PoolKind.self, 2)
        check(PortPurpose.self, 11)
    }

    @Test func `of kinds are fixed for ever`() {
        let names = [
            "experiments", "trials", "workloads", "checkpoints", "snapshots", "pools", "agents", "slots",
            "tasks",
            "allocations", "containers", "ports", "instances", "spot-requests", "kv", "leases", "documents",
            "consumers", "leadership", "cluster",
        ]
        #expect(RecordKind.allCases.map(\.name) == names)
        #expect(RecordKind.allCases.map(\.rawValue) == Array(1...20))
        #expect(RecordKinds.all.rawValue == 0x1F_FFFE)
        #expect(([.trials, .keyValue] as RecordKinds).kinds == [.trial, .keyValue])
    }

    private func check<Code: NamedCode>(_: Code.Type, _ count: Int) {
        #expect(Code.allCases.map { Int($0.rawValue) } == Array(1...count))
        for code in Code.allCases { #expect(Code(name: code.name) == code) }
        #expect(Set(Code.allCases.map(\.name)).count == count)
        #expect(Code(name: "no such name") == nil)
    }
}
