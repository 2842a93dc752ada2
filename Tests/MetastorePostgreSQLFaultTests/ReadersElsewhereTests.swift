#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreEngine
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        /// As behind one name that stands for one server now and for another then, which tell nothing of their lineage.
        @Suite(.serialized, .timed) struct `Readers that come to another server than the writer` {
            @Test func `find out by what the writer committed since`() async throws {
                let server = try PostgreSQLServer(.answersOnly)
                let database = try server.makeDatabase()
                let first = try await Metastore.open(.place(server.url(database)))
                try await first.keyValue.put("a/b", "old")
                let common = try await first.info().revision
                await first.close()
                let copy = try server.makeDatabase(template: database)
                let places = (EngineSource.place(server.url(database)), EngineSource.place(server.url(copy)))
                let source = EngineSource { options in
                    ReadersElsewhere(try places.0.makeEngine(options), try places.1.makeEngine(options))
                }
                let store = try await Metastore.open(source, .bound(.seconds(1)))
                #expect(try await store.keyValue.get("a/b")?.text == "old", "both are the same still")
                for number in 1...3 {
                    let written = try await store.keyValue.put("a/b", "\(number)").revision
                    let read = await refusal { try await store.keyValue.get("a/b") }
                    #expect(read == .historyCut(expected: written, found: common), "\(read as Any)")
                }
                await store.close()
            }
        }
    }

    /// Writes at one place and reads at another.
    private final class ReadersElsewhere: Engine {
        private let base: any Engine
        private let elsewhere: any Engine

        init(_ base: any Engine, _ elsewhere: any Engine) {
            self.base = base
            self.elsewhere = elsewhere
        }

        var place: String { base.place }
        var dialect: Dialect { base.dialect }
        var hasOneConnection: Bool { false }
        var isReadOnly: Bool { false }
        var isExclusive: Bool { false }
        var notices: [String] { [] }

        func prepare() throws(EngineError) -> Found { try base.prepare() }
        func create(_ populate: (any Connection) throws -> Void) throws -> Bool { try base.create(populate) }
        func openWriter() throws(EngineError) -> any Connection { try base.openWriter() }
        func openReader() throws(EngineError) -> any Connection { try elsewhere.openReader() }
        func announceCommit() {}
        func watchCommits(_ wake: @escaping @Sendable () -> Void) {}
        func confirmHold() throws(EngineError) { try base.confirmHold() }
        func maintain(_ writer: any Connection) throws(EngineError) -> Pressure { try base.maintain(writer) }
        func settle(_ writer: any Connection) throws(EngineError) { try base.settle(writer) }
        func settleUnknownCommit() throws(EngineError) { try base.settleUnknownCommit() }
        func keepNote(_ note: [UInt8]) throws(EngineError) { try base.keepNote(note) }
        func readNote() throws(EngineError) -> [UInt8]? { try base.readNote() }
        func keepControl(_ control: [UInt8]) throws(EngineError) { try base.keepControl(control) }
        func readControl() throws(EngineError) -> [UInt8]? { try base.readControl() }

        func close() {
            base.close()
            elsewhere.close()
        }
    }
#endif
