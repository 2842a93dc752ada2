internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

@Suite struct `The mark of a file` {
    @Test func `is its own, and stays with it under any name`() throws {
        let place = try TemporaryPlace(onDisk: true)
        let (one, two) = (place.directory + "/one", place.directory + "/two")
        try Data("x".utf8).write(to: URL(filePath: one))
        let mark = try FileMark(ofFileAt: one)
        #expect(mark.birth != nil && mark.isSameFile(as: mark))
        try FileManager.default.copyItem(atPath: one, toPath: two)
        #expect(try !FileMark(ofFileAt: two).isSameFile(as: mark))
        try FileManager.default.moveItem(atPath: one, toPath: place.directory + "/three")
        #expect(try FileMark(ofFileAt: place.directory + "/three") == mark)
        #expect(throws: EngineError.self) { try FileMark(ofFileAt: one) }
    }
}
