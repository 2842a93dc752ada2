#if PostgreSQL
    internal import Glibc
    internal import PostgreSQLServer
    internal import Synchronization

    /// Answers where a server is expected, in one of several wrong ways, and keeps every byte it is sent.
    final class Impostor: Sendable {
        enum Manner: CaseIterable, Sendable {
            /// Says that it speaks no TLS, then asks for the password in clear text.
            case withoutTLS
            /// Asks for the password in clear text at once.
            case asksAtOnce
            /// Says that it speaks TLS, and doesn't.
            case nonsense
            /// Hangs up.
            case hangsUp
        }

        let port: UInt16
        private let listener: Int32
        private let heard = Mutex<[UInt8]>([])

        init(_ manner: Manner) throws {
            listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let listener = self.listener
            let result = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, length) == 0 ? getsockname(listener, $0, &length) : -1
                }
            }
            guard result == 0, listen(listener, 16) == 0 else { throw Failure() }
            port = UInt16(bigEndian: address.sin_port)
            var thread = pthread_t()
            let work = Unmanaged.passRetained(Work(self, manner)).toOpaque()
            pthread_create(
                &thread, nil,
                { argument in
                    let work = Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue()
                    work.impostor.serve(work.manner)
                    return nil
                }, work)
            pthread_detach(thread)
        }

        struct Failure: Error {}

        private final class Work: Sendable {
            let impostor: Impostor
            let manner: Manner
            init(_ impostor: Impostor, _ manner: Manner) { (self.impostor, self.manner) = (impostor, manner) }
        }

        func close() { shutdown(listener, Int32(SHUT_RDWR)) }

        func heard(_ text: String) -> Bool { heard.withLock { $0.firstRange(of: Array(text.utf8)) != nil } }

        /// How many bytes it was sent in all.
        var count: Int { heard.withLock { $0.count } }

        private func serve(_ manner: Manner) {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                var limit = timeval(tv_sec: 0, tv_usec: 200_000)
                setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
                // "Send the password as it is."
                let ask: [UInt8] = [UInt8(ascii: "R"), 0, 0, 0, 8, 0, 0, 0, 3]
                hear(client)
                switch manner {
                case .withoutTLS:
                    say(client, [UInt8(ascii: "N")])
                    hear(client)
                    say(client, ask)
                    hear(client)
                case .asksAtOnce:
                    say(client, ask)
                    hear(client)
                case .nonsense:
                    say(client, [UInt8(ascii: "S")])
                    hear(client)
                    say(client, Array("this is no TLS at all, but it is long enough to be read".utf8))
                    hear(client)
                case .hangsUp: break
                }
                Glibc.close(client)
            }
            Glibc.close(listener)
        }

        private func say(_ client: Int32, _ bytes: [UInt8]) {
            _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }

        private func hear(_ client: Int32) {
            var piece = [UInt8](repeating: 0, count: 4096)
            let got = read(client, &piece, piece.count)
            if got > 0 { heard.withLock { $0 += piece[..<got] } }
        }
    }
#endif
