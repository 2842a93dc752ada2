import Metastore
import MetastoreEngine
import Testing

@Suite struct `What opening a store means for its identity` {
    private static let file = FileMark(inode: 7, birth: 70, fileSystem: "ext4 a")
    private static let here = "machine 1"

    private func decide(
        _ intent: OpeningIntent, _ found: StoreIdentity, file: FileMark? = file, machine: String? = here
    ) throws(StoreError) -> IdentityDecision {
        try IdentityDecision(found: found, file: file, machine: machine, intent, place: "place")
    }

    private func leader(_ file: FileMark? = file, _ machine: String? = here) -> StoreIdentity {
        StoreIdentity(role: .leader, file: file, machine: machine)
    }

    @Test func `the same file on the same machine goes on`() throws {
        for policy in [CopyPolicy.refuse, .adopt] {
            let decision = try decide(.lead(policy), leader())
            #expect(decision.identity == leader() && decision.beginning == nil)
        }
    }

    @Test func `a store that was never opened for writing is this file`() throws {
        let decision = try decide(.lead(.refuse), leader(nil, nil))
        #expect(decision.identity == leader() && decision.beginning == nil)
    }

    @Test(arguments: [
        FileMark(inode: 8, birth: 70, fileSystem: "ext4 a"), FileMark(inode: 7, birth: 71, fileSystem: "ext4 a"),
        FileMark(inode: 7, birth: 70, fileSystem: "ext4 b"), FileMark(inode: 8, birth: nil, fileSystem: nil),
    ])
    func `another file is a copy until it is adopted`(_ file: FileMark) throws {
        #expect(throws: StoreError.copied(place: "place")) { try decide(.lead(.refuse), leader(), file: file) }
        let decision = try decide(.lead(.adopt), leader(), file: file)
        #expect(decision.identity == leader(file) && decision.beginning == .adopted)
    }

    /// A newer kernel may tell more, an older one less.
    @Test(arguments: [
        FileMark(inode: 7, birth: nil, fileSystem: "ext4 a"), FileMark(inode: 7, birth: 70, fileSystem: nil),
    ])
    func `what the system doesn't tell proves nothing`(_ file: FileMark) throws {
        for (known, found) in [(Self.file, file), (file, Self.file)] {
            let decision = try decide(.lead(.refuse), leader(known), file: found)
            #expect(decision.identity == leader(found) && decision.beginning == nil)
        }
    }

    @Test func `the same file on another machine goes on in a new epoch`() throws {
        for machine in ["machine 2", nil] {
            let decision = try decide(.lead(.refuse), leader(), machine: machine)
            #expect(decision.identity == leader(Self.file, machine) && decision.beginning == .moved)
        }
        // Where it was before had no id.
        #expect(try decide(.lead(.refuse), leader(Self.file, nil)).beginning == nil)
    }

    @Test func `a follower is written to only by what follows, or once it is promoted`() throws {
        let other = FileMark(inode: 9, birth: 90, fileSystem: "ext4 a")
        for file in [Self.file, other] {
            let follower = StoreIdentity(role: .follower, file: Self.file, machine: Self.here)
            for policy in [CopyPolicy.refuse, .adopt] {
                #expect(throws: StoreError.follower(place: "place")) { try decide(.lead(policy), follower, file: file) }
            }
            let followed = try decide(.follow(.refuse), follower, file: file, machine: "machine 2")
            #expect(followed.identity.role == .follower && followed.identity.file == file)
            #expect(followed.identity.machine == "machine 2" && followed.beginning == nil)
            let promoted = try decide(.promote, follower, file: file)
            #expect(promoted.identity == leader(file) && promoted.beginning == .promoted)
        }
    }

    /// A supervisor that starts a follower again whose store was promoted meanwhile takes nothing back.
    @Test func `a store of its own follows only when it is told to give up`() throws {
        for file in [Self.file, nil] {
            let found = leader(file, file == nil ? nil : Self.here)
            #expect(throws: StoreError.self) { try decide(.follow(.refuse), found, file: file) }
            let decision = try decide(.follow(.demote), found, file: file)
            #expect(decision.identity.role == .follower && decision.beginning == nil)
        }
    }

    @Test func `a copy, and what was never written to here, may follow`() throws {
        let other = FileMark(inode: 9, birth: 90, fileSystem: "ext4 a")
        for found in [leader(other), leader(nil, nil)] {
            let decision = try decide(.follow(.refuse), found)
            #expect(decision.identity == StoreIdentity(role: .follower, file: Self.file, machine: Self.here))
        }
    }

    @Test func `a store of its own isn't promoted`() throws {
        #expect(throws: StoreError.self) { try decide(.promote, leader()) }
    }

    /// Neither a server nor memory has a file, and so no machine matters.
    @Test func `without a file only the role counts`() throws {
        let decision = try decide(.lead(.refuse), leader(nil, nil), file: nil, machine: "machine 2")
        #expect(decision.identity == leader(nil, nil) && decision.beginning == nil)
    }
}
