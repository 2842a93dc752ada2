internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

extension Faults {
    @Suite(.serialized, .timed, .enabled(if: isRoot)) struct `A device without room` {
        let place: Place
        init() throws {
            place = try Place()
            try place.mount(megabytes: 3)
        }

        @Test func `refuses writes, keeps what was answered, reads on, and goes on once there is room`() async throws {
            let store = try await Metastore.open(.sqlite(place.path))
            var (answered, refused) = ([Int](), [String]())
            for number in 0..<200 where refused.count < 20 {
                await withTaskGroup(of: (Int, StoreError?).self) { group in
                    for client in 0..<8 {
                        group.addTask {
                            let key = EntryKey("big/\(number * 8 + client)")
                            do {
                                try await store.keyValue.put(key, [UInt8](repeating: 7, count: 20_000))
                                return (number * 8 + client, nil)
                            } catch { return (number * 8 + client, error as? StoreError) }
                        }
                    }
                    for await (key, error) in group {
                        if let error { refused.append("\(error)") } else { answered.append(key) }
                    }
                }
            }
            #expect(answered.count > 8 && refused.count >= 20)
            #expect(refused.allSatisfy { $0 == "\(StoreError.diskFull)" }, "\(Set(refused))")
            #expect(
                "\(StoreError.diskFull)".contains("Make room") && "\(StoreError.diskFull)".contains("delete no store"))
            #expect(try await stored(store) == Set(answered))
            try place.mount(megabytes: 16, again: true)
            try await store.keyValue.put("big/9999", "room")
            #expect(try await stored(store) == Set(answered + [9999]))
            #expect(try await store.verify().findings == [])
            await store.close()
            let again = try await Metastore.open(.sqlite(place.path))
            #expect(try await stored(again) == Set(answered + [9999]))
            #expect(try await again.verify().findings == [])
            await again.close()
        }

        private func stored(_ store: Metastore) async throws -> Set<Int> {
            try await store.read { snapshot in
                Set(try snapshot.keyValue.list("big", limit: 1_000).records.compactMap { Int($0.key) })
            }
        }

        @Test func `is told when opening and when creating, and nothing changes`() async throws {
            let answered = try await place.fill(3)
            try place.fillDevice()
            let before = try place.files()
            for options in [StoreOptions(), adopting] {
                let error = await refusal(.sqlite(place.path), options)
                #expect(error?.label == "diskFull" || error?.label == "unusable", "\(String(describing: error))")
                #expect(error?.description.contains("room") == true)
                var after = try place.files()
                for name in ["metastore.db-wal", "metastore.db-shm"] where after[name]?.isEmpty == true {
                    after[name] = nil
                }
                #expect(after == before)
            }
            let new = await refusal(.sqlite(place.store + "/new.db"))
            #expect(new?.label == "diskFull")
            #expect(try !place.names().contains { $0.hasPrefix("new.db") && $0 != "new.db.lock" })
            unlink(place.store + "/filler")
            let store = try await Metastore.open(.sqlite(place.path))
            for (request, answer) in answered { #expect(try await store.perform(request) == answer) }
            await store.close()
        }
    }

    @Suite(.serialized, .timed, .enabled(if: isRoot)) struct `A place that can't be written` {
        let place: Place
        init() throws { place = try Place() }

        @Test func `a disk mounted read-only`() async throws {
            try await place.fill()
            let before = try place.files()
            try place.mountReadOnly()
            let error = await refusal(.sqlite(place.path))
            #expect(error?.label == "unusable")
            #expect(error?.description.contains("is mounted read-only. Mount it writable") == true)
            let new = await refusal(.sqlite(place.store + "/new.db"))
            #expect(new?.label == "unusable" && new?.description.contains("read-only") == true)
            // Closed cleanly, so that SQLite finds no index of its log: it says so, and what to do.
            do {
                let store = try await Metastore.open(.sqlite(place.path), readOnly)
                #expect(try await store.verify().findings == [])
                await store.close()
            } catch let error as StoreError {
                #expect(error.label == "unusable" && "\(error)".contains("writable place"), "\(error)")
            }
            #expect(try place.files() == before)
        }

        /// The log and its index are there: everything is read.
        @Test func `a killed store on a disk mounted read-only is read in full`() async throws {
            try await place.fill()
            let process = try CrashProcess("serve")
            try process.ask("open \(place.path)")
            try process.ask("put a/b 1")
            process.kill()
            let before = try place.files()
            try place.mountReadOnly()
            let store = try await Metastore.open(.sqlite(place.path), readOnly)
            #expect(try await store.number("a/b") == 1)
            #expect(try await store.verify().findings == [])
            await store.close()
            #expect(try place.files() == before)
        }

        /// Root ignores modes: another user tries.
        @Test(arguments: [true, false])
        func `a directory without the right to write`(_ hasLockFile: Bool) async throws {
            try await place.fill()
            try run("chown", "-R", "65534:65534", place.store)
            if !hasLockFile { unlink(place.path + ".lock") }
            chmod(place.directory, 0o755)
            chmod(place.store, 0o555)
            let before = try place.files()
            let process = try CrashProcess("serve")
            #expect(try process.ask("user 65534") == "ok")
            let answer = try process.ask("open \(place.path)")
            #expect(answer.hasPrefix("error unusable"), "\(answer)")
            #expect(answer.contains("give that user access") || answer.contains("writable place"), "\(answer)")
            let looking = try process.ask("open \(place.path) readonly")
            #expect(looking.hasPrefix("ok") || looking.hasPrefix("error unusable"), "\(looking)")
            #expect(try place.files() == before)
        }
    }
}

extension Place {
    func mount(megabytes: Int, again: Bool = false) throws {
        let flags = again ? UInt(MS_REMOUNT) : 0
        guard Glibc.mount("tmpfs", store, "tmpfs", flags, "size=\(megabytes)m") == 0 else { throw Failure("mount") }
    }

    func mountReadOnly() throws {
        guard Glibc.mount(store, store, nil, UInt(MS_BIND), nil) == 0,
            Glibc.mount(nil, store, nil, UInt(MS_BIND | MS_REMOUNT | MS_RDONLY), nil) == 0
        else { throw Failure("mount") }
    }

    /// Leaves not a page.
    func fillDevice() throws {
        let descriptor = open(store + "/filler", O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let bytes = [UInt8](repeating: 1, count: 4096)
        while Glibc.write(descriptor, bytes, bytes.count) > 0 {}
        guard errno == ENOSPC else { throw Failure("write") }
    }
}
