internal import FaultSupport
internal import MetastoreTestSupport
internal import Testing

/// The inspector where it is used: on a machine with little on it, by somebody at a terminal.
@Suite(.serialized, .timed) struct `On a rescue instance` {
    /// What a shell's script says, with the program on its path.
    private func shell(_ script: String, _ arguments: [String] = [], as shell: String = "sh") throws -> Tool.Ending {
        try Tool.run(
            ["-c", script, shell] + arguments, program: "/bin/" + shell,
            environment: ["PATH": CrashProcess.directory + ":/usr/bin:/bin:/usr/sbin:/sbin"])
    }

    @Test(
        .enabled(if: isRoot, "only root can unmount"), arguments: [["info"], ["check", "--full"], ["list", "trials"]])
    func `it answers without /proc`(_ command: [String]) async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await SmallStore.make(path)
            let words = [path] + command + ["-o", "json"]
            let asked = "exec metastore-inspect " + words.joined(separator: " ")
            let without = try shell("exec unshare --mount sh -c 'umount -l /proc && ! test -e /proc/self && \(asked)'")
            let with = try Tool.run(words, program: "metastore-inspect")
            #expect(without.code == 0, "\(without.errors)")
            #expect(without.output == with.output)
        }
    }

    @Test(arguments: [
        (["metastore.db", "desc"], ["describe"]),
        (["metastore.db", "describe", "exper"], ["experiments/"]),
        (["metastore.db", "describe", "experiments/2/tr"], ["experiments/2/trials/"]),
        (["metastore.db", "describe", "experiments/2/trials/"], ["experiments/2/trials/1", "experiments/2/trials/2"]),
        (["describe", "metastore.db", "experiments/2/trials/2"], ["experiments/2/trials/2"]),
        (
            ["metastore.db", "history", "experiments/2/trials/1/"],
            ["experiments/2/trials/1/workloads/", "experiments/2/trials/1/checkpoints/"]
        ),
        (["metastore.db", "tree", "experiments/"], ["experiments/2"]),
        (["metastore.db", "list", "spot"], ["spot-requests"]),
        (["metastore.db", "export", "-o", "nd"], ["ndjson"]),
        (["metas"], ["metastore.db"]), (["a v"], ["a volume"]),
        (["nothing.db", "describe", "experiments/2/tr"], []),
    ])
    func `bash completes commands, options and the store's keys`(_ words: [String], _ expected: [String]) async throws {
        try await withScratch { root in
            try await SmallStore.make(root + "/metastore.db")
            let script = """
                cd \(root) && mkdir 'a volume'
                source <(metastore-inspect --generate-completion-script bash)
                entry=$(complete -p metastore-inspect | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
                COMP_WORDS=(metastore-inspect "$@") COMP_CWORD=$#
                COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
                "$entry" metastore-inspect "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let ending = try shell(script, words, as: "bash")
            #expect(
                ending.lines.filter { !$0.hasPrefix("metastore.db.") } == expected.map { $0[...] }, "\(ending.errors)")
        }
    }

    @Test func `somebody at a terminal asks one statement after the other`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await SmallStore.make(path)
            let typed = [
                "SELECT count(*) AS trials FROM trials;", "SELECT", "1 AS one;", "SELEC;", "DELETE FROM trials;",
                "SELECT 2 AS two;",
            ]
            let ending = try shell(
                #"printf '%s\n' "$@" | script -qec 'metastore-inspect \#(path) sql -o ndjson' /dev/null"#, typed)
            #expect(ending.code == 0, "\(ending.errors)")
            for answer in [#"{"trials":2}"#, #"{"one":1}"#, #"{"two":2}"#, "syntax error", "can only read", "...> "] {
                #expect(ending.output.contains(answer), "\(ending.output)")
            }
        }
    }
}
