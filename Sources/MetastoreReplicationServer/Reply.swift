internal import HTTPTypes
internal import HummingbirdCore
internal import MetastoreModel
internal import NIOCore

/// An answer that is known before it is sent.
struct Reply {
    var status: HTTPResponse.Status
    var type: String?
    var headers: HTTPFields = [:]
    var body: ByteBuffer

    init(_ status: HTTPResponse.Status, type: String? = nil, _ body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.type = type
        self.body = body
    }

    static func json(_ status: HTTPResponse.Status = .ok, members: [(String, String)]) -> Reply {
        Reply(status, type: "application/json", ByteBuffer(string: JSONLine.object(members) + "\n"))
    }

    /// Why there is nothing else: for programs in `error`, for people in `message`.
    static func refusal(
        _ status: HTTPResponse.Status, _ error: String, _ message: String, _ more: [(String, String)] = []
    ) -> Reply {
        json(status, members: [("error", JSON.quoted(error)), ("message", JSON.quoted(message))] + more)
    }

    var head: HTTPResponse {
        var head = HTTPResponse(status: status, headerFields: headers)
        if let type { head.headerFields[.contentType] = type }
        head.headerFields[.contentLength] = "\(body.readableBytes)"
        head.headerFields[.cacheControl] = "no-store"
        return head
    }
}

/// JSON put together from parts that are JSON already.
enum JSONLine {
    static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { JSON.quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }
}

extension HTTPField.Name {
    /// Says how far the store is, beside an answer.
    static var newest: HTTPField.Name { HTTPField.Name("metastore-newest")! }
    static var lastEventID: HTTPField.Name { HTTPField.Name("Last-Event-ID")! }
}
