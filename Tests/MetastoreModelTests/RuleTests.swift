import MetastoreModel
import Testing

@Suite struct `A field` {
    @Test func `refuses NUL, what is empty and what is too long, naming itself`() throws {
        try FieldValidation.text("", field: "notes")
        try FieldValidation.name("é", field: "name", limit: 2)
        let errors = [
            #expect(throws: ModelError.self) { try FieldValidation.text("a\u{0}", field: "name") },
            #expect(throws: ModelError.self) { try FieldValidation.name("", field: "name") },
            #expect(throws: ModelError.self) { try FieldValidation.name("éa", field: "name", limit: 2) },
        ]
        for error in errors { #expect(error?.field == "name") }
    }

    @Test func `of labels keeps each once, by bytes`() throws {
        #expect(try FieldValidation.labels(["b", "a", "b", "A"]) == ["A", "a", "b"])
        #expect(try FieldValidation.labels(["\u{E9}", "e\u{301}"]).count == 2)
        let error = #expect(throws: ModelError.self) { try FieldValidation.labels(["a", ""]) }
        #expect(error?.field == "labels[1]")
    }
}

@Suite struct `A port` {
    @Test func `of a fixed purpose or of a range for people is never an ephemeral one`() {
        let ranges = PortRanges()
        for port: Int64 in [1734, 1750, 12350, 12355, 29400, 29500, 2600, 2899, 2900, 3199, 3200, 3599] {
            #expect(!ranges.mayReserve(port, for: .nccl) && !ranges.mayReserve(port, for: .gloo), "\(port)")
        }
        for port: Int64 in [1024, 1733, 2599, 3600, 65535] {
            #expect(ranges.mayReserve(port, for: .nccl), "\(port)")
        }
        #expect(!ranges.mayReserve(1023, for: .gloo) && !ranges.mayReserve(65536, for: .gloo))
        #expect(ranges.mayReserve(2600, for: .tensorboard) && !ranges.mayReserve(2900, for: .tensorboard))
        #expect(ranges.mayReserve(12350, for: .ssh) && !ranges.mayReserve(12351, for: .ssh))
        #expect(!PortRanges(nccl: 5000...5009).mayReserve(5010, for: .nccl))
        #expect(
            PortPurpose.allCases.filter { !$0.isEphemeral }.allSatisfy {
                ranges.mayReserve(ranges.range(of: $0).lowerBound, for: $0)
            })
    }
}

@Suite struct `A change` {
    @Test func `tells what was done from its images`() throws {
        let lease = Lease(id: 1, timeToLive: .seconds(5), createdRevision: 1, revision: 1)
        let changes = [
            RecordChange(key: lease.recordKey, before: nil, after: lease, revision: 1),
            RecordChange(key: lease.recordKey, before: lease, after: lease, revision: 2),
            RecordChange(key: lease.recordKey, before: lease, after: nil, revision: 3),
        ]
        #expect(changes.map(\.operation) == [.created, .updated, .deleted])
        let change = Lease.change(changes[2])
        #expect(change.kind == .lease && change.key == .lease(1) && change.revision == 3)
        #expect(change.description == "3 deleted leases/1")
        guard case .lease(let typed) = change else {
            throw ModelError.invalid(field: "change", reason: "wrong case")
        }
        #expect(typed.before == lease && typed.after == nil)
    }
}
