internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// The inspector as a process of its own: its exit code, and what stands on which stream.
@Suite(.serialized, .timed, .timeLimit(.minutes(10))) struct `The inspector's exit code` {
    private func inspect(_ words: String...) throws -> Tool.Ending {
        try Tool.run(words, program: "metastore-inspect")
    }

    /// Nothing on the output, and a reason with what to do.
    private func expect(_ ending: Tool.Ending, _ code: Int32, _ words: String...) {
        #expect(ending.code == code, "\(ending.errors)")
        for word in words { #expect(ending.errors.contains(word), "\(ending.errors)") }
    }

    @Test func `is 0 as asked, and 1 where the answer is no`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            for words in [["info"], ["check"], ["check", "--full"], ["list", "trials"], ["log"], ["export"]] {
                let ending = try Tool.run([path] + words, program: "metastore-inspect")
                expect(ending, 0)
                #expect(!ending.output.isEmpty)
            }
            let missing = try inspect(path, "describe", "experiments/999")
            expect(missing, 1, "experiments/999", "history")
            #expect(missing.output.isEmpty)
            try run("cp", path, root + "/other.db")
            try rewrite(root + "/other.db", "UPDATE pools SET max_instances = max_instances + 1")
            expect(try inspect(path, "diff", path), 0)
            expect(try inspect(path, "diff", root + "/other.db"), 1, "doubtful")
        }
    }

    @Test func `is 64 where it can't be understood`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            expect(try inspect(path, "list", "trails"), 64, "trials")
            expect(try inspect(path, "list", "trials", "--sort-by", "sed"), 64, "seed")
            expect(try inspect(path, "list", "trials", "--state", "ACTIV"), 64, "ACTIVE")
            expect(try inspect(path, "list", "trials", "--at", "yesterday"), 64, "a revision", "2026-")
            expect(try inspect(path, "list", "trials", "-o", "xml"), 64, "xml")
            expect(try inspect(path, "describe", "experimets/1"), 64, "experiments")
            expect(try inspect(path, "sql", "DELETE FROM trials"), 64, "only read")
            expect(try inspect(path, "sql", "SELEC 1"), 64, "SELEC")
            expect(try inspect(path, "frobnicate"), 64)
        }
    }

    @Test func `is 65 where it is damaged`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            let whole = try contents(path)
            try rewrite(path, "UPDATE key_value SET value = x'00' WHERE namespace = 'n'")
            let check = try inspect(path, "check", "--full")
            expect(check, 65)
            #expect(check.output.contains("BROKEN"))
            let list = try inspect(path, "list", "kv")
            expect(list, 0, "with another hash than its own")
            #expect(list.output.contains("(doubtful)"))
            try write(Array(whole.prefix(whole.count / 2)), to: path)
            expect(try inspect(path, "check"), 65)
            try write(Array(repeating: 0, count: 4_096) + whole[4_096...], to: path)
            expect(try inspect(path, "info"), 65, "salvage")
            try write([], to: path)
            expect(try inspect(path, "info"), 65)
        }
    }

    @Test func `is 66 where there is no store, and 3 where a newer release wrote it`() async throws {
        try await withScratch { root in
            expect(try inspect(root + "/none.db", "info"), 66, root + "/none.db", "Check the path")
            expect(try inspect(root, "info"), 66, root)
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            try rewrite(
                path,
                """
                INSERT INTO schema_migrations (number, name, checksum, applied_by, host, applied_time, duration) \
                SELECT 1000, 'later', checksum, applied_by, host, applied_time, duration FROM schema_migrations \
                WHERE number = 1; UPDATE head SET schema_version = 1000, min_reader = 1000
                """)
            expect(try inspect(path, "info"), 3, "The data is intact")
            // Two that a master left its notes beside.
            for note in ["", ".head"] { try run("cp", path + note, root + "/second.db" + note) }
            expect(try inspect(root, "info"), 66, "Name one of them", "second.db")
        }
    }

    @Test(.enabled(if: isRoot, "only root can become somebody else"))
    func `is 77 where the reader has no permission`() async throws {
        try await withScratch { root in
            chmod(root, 0o755)
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            chmod(path, 0o600)
            // Not everybody may enter the folder that it was built in.
            let program = root + "/metastore-inspect"
            try run("cp", CrashProcess.directory + "/metastore-inspect", program)
            let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", program, path]
            expect(try Tool.run(nobody + ["info"], program: "/usr/bin/setpriv"), 77, path)
            chmod(path, 0o444)
            for suffix in [".lock", ".head"] { chmod(path + suffix, 0o444) }
            expect(try Tool.run(nobody + ["check", "--full"], program: "/usr/bin/setpriv"), 0)
        }
    }

    /// Somebody writes without end, and an earlier state was asked for, which only a copy of the files can show.
    @Test func `is 75 where it is in use and no state can be had`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            let process = try CrashProcess("write", path, "\(Scale.seed)")
            #expect(try process.line() == "open")
            for _ in 0..<20 { _ = try process.line() }
            var ending: Tool.Ending
            repeat {
                let inspection = try Tool([path, "info", "--wal", "ignore"], program: "metastore-inspect")
                while !inspection.hasEnded {
                    // Nobody else reads what it says, and a full pipe would stop it.
                    while try process.waitingLine() != nil {}
                    usleep(1_000)
                }
                ending = inspection.end()
                // A busy machine may let nothing be written for a while.
            } while ending.code == 0
            expect(ending, 75, "in use", "Try again")
            #expect(ending.output.isEmpty)
            process.kill()
        }
    }

    @Test func `is 141 where nobody reads, without a word`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path), more: 500)
            for words in [["list", "workloads", "--limit", "0"], ["export"], ["log"], ["info"]] {
                let ending = try Tool.run([path] + words, program: "metastore-inspect", output: .closedPipe)
                #expect(ending.code == 141, "\(words): \(ending.errors)")
                #expect(!ending.errors.contains("error"), "\(ending.errors)")
            }
        }
    }
}

@Suite(.serialized, .timed, .timeLimit(.minutes(10))) struct `The inspector's manners` {
    private static let commands = [
        "info", "check", "list", "describe", "tree", "history", "log", "metrics", "diff", "sql", "export", "report",
        "salvage",
    ]

    @Test(arguments: commands) func `every help shows examples`(_ command: String) throws {
        let ending = try Tool.run([command, "--help"], program: "metastore-inspect")
        #expect(ending.code == 0 && ending.errors.isEmpty)
        #expect(ending.output.contains("Examples:\n  metastore-inspect ") && ending.output.contains(" \(command)"))
    }

    @Test func `answers come in every format, and data alone on the output`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            for format in ["table", "wide", "json", "ndjson", "csv", "yaml", "name"] {
                let ending = try Tool.run([path, "list", "trials", "-o", format], program: "metastore-inspect")
                #expect(ending.code == 0 && !ending.output.isEmpty, "\(format): \(ending.errors)")
                #expect(!ending.output.contains("note:") && ending.errors.contains("check --full"), "\(format)")
                let quiet = try Tool.run([path, "list", "trials", "-q", "-o", format], program: "metastore-inspect")
                #expect(quiet.errors.isEmpty && quiet.output == ending.output, "\(format): \(quiet.errors)")
            }
            let json = try Tool.run([path, "list", "trials", "-o", "json"], program: "metastore-inspect")
            #expect(try JSONObject(parsing: json.output).values["verified"] == .string("rows"))
        }
    }

    @Test func `colours are for terminals that want them, and lines fit`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            func shown(_ columns: Int, _ words: [String], _ more: [String: String] = [:]) throws -> String {
                try Tool.onTerminal(
                    columns, [path] + words, ["PAGER": "cat"].merging(more) { $1 }, program: "metastore-inspect")
            }
            let escape: Character = "\u{1B}"
            #expect(try shown(80, ["info"]).contains(escape))
            #expect(try !shown(80, ["info"], ["NO_COLOR": "1"]).contains(escape))
            #expect(try !shown(80, ["info"], ["TERM": "dumb"]).contains(escape))
            #expect(try !Tool.run([path, "info"], program: "metastore-inspect").output.contains(escape))
            for words in [["list", "trials"], ["list", "workloads"], ["list", "experiments", "-o", "wide"]] {
                let lines = try shown(40, words + ["-q"], ["NO_COLOR": "1"]).split(whereSeparator: \.isNewline)
                #expect(lines.count > 1)
                for line in lines { #expect(line.count <= 40, "\(words): \(line)") }
            }
        }
    }

    /// Every call that would make a connection is seen.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "strace is missing"))
    func `no network`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            let program = CrashProcess.directory + "/metastore-inspect"
            for words in [["info"], ["export"], ["report", "--to", root + "/report.html"]] {
                let trace = root + "/trace"
                let ending = try Tool.run(
                    ["-f", "-o", trace, "-e", "trace=socket,connect,openat", program, path] + words,
                    program: "/usr/bin/strace")
                #expect(ending.code == 0, "\(ending.errors)")
                let calls = String(decoding: try contents(trace), as: UTF8.self)
                #expect(calls.contains("openat(") && !calls.contains("socket(") && !calls.contains("connect("))
            }
        }
    }
}
