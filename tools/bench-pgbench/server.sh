# shellcheck shell=bash
# A private PostgreSQL 15 server that flushes every commit, for the benchmarks that source this file. It listens on a
# socket in its own folder and nowhere else; of its settings only the number of connections isn't the default.
server_binaries=/usr/lib/postgresql/15/bin
server_folder=

# server_make FOLDER: in an empty folder, which becomes the server's user's.
server_make() {
    [[ -x $server_binaries/pgbench ]] || {
        echo "error: pgbench is missing. On Debian: apt-get install postgresql-15" >&2
        return 69
    }
    server_folder=$1
    ((EUID != 0)) || chown postgres "$server_folder"
    server_run initdb -D "$server_folder/data" --auth=trust --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
        >/dev/null
    server_start -w
    server_run createdb -h "$server_folder" -U postgres bench
}

# server_run PROGRAM [ARGUMENT…]: one of PostgreSQL's programs, as a user other than root.
server_run() {
    local as_server=()
    ((EUID != 0)) || as_server=(setpriv --reuid postgres --regid postgres --clear-groups env HOME="$server_folder")
    "${as_server[@]}" "$server_binaries/$1" "${@:2}"
}

# server_start -w|-W: and waits for it, or doesn't.
server_start() {
    server_run pg_ctl -D "$server_folder/data" "$1" -l "$server_folder/log" \
        -o "-k $server_folder -c listen_addresses='' -c max_connections=200" start >/dev/null
}

# server_stop fast|immediate: also where there is none.
server_stop() {
    [[ -z $server_folder ]] || server_run pg_ctl -D "$server_folder/data" -m "$1" stop >/dev/null 2>&1 || true
}

# server_sql: what comes in.
server_sql() {
    server_run psql -h "$server_folder" -U postgres -q -v ON_ERROR_STOP=1 -At bench
}

# server_tables MIGRATION: the store's own tables in the schema plain, for statements that aren't the store's.
server_tables() {
    { echo 'CREATE SCHEMA plain; SET search_path = plain;'; cat "$1"; } | server_sql
}

# server_pgbench WORK CLIENTS SECONDS SCRIPT [ARGUMENT…]: runs the script for so many whole seconds, after a second
# that doesn't count, and prints what it found as one JSON object.
server_pgbench() {
    local work=$1 clients=$2 seconds=$3 script=$4 found whole
    shift 4
    whole=$(awk -v seconds="$seconds" 'BEGIN { whole = int(seconds); print whole < seconds ? whole + 1 : whole }')
    # The server's user may not be able to read where this file lies.
    cp "$script" "$server_folder/script.sql"
    chmod 644 "$server_folder/script.sql"
    local each=(-h "$server_folder" -U postgres -n -M prepared -c "$clients" -j 2 -f "$server_folder/script.sql" "$@")
    server_run pgbench -T 1 "${each[@]}" bench >/dev/null 2>&1
    found=$(server_run pgbench -T "$whole" -l --log-prefix="$server_folder/times" "${each[@]}" bench \
        2>"$server_folder/trouble") || { cat "$server_folder/trouble" >&2; return 1; }
    # The third number of a line is the transaction's time in microseconds.
    cat "$server_folder"/times.* | cut -d ' ' -f 3 | sort -n >"$server_folder/sorted"
    rm -f "$server_folder"/times.*
    awk -v work="$work" -v clients="$clients" -v seconds="$whole" -v found="$found" '
        function number_after(words,    rest) {
            rest = substr(found, index(found, words) + length(words))
            return rest + 0
        }
        { times[NR] = $1 }
        END {
            printf "{\"work\":\"%s\",\"clients\":%d,\"operations\":%d,\"seconds\":%d,\"per_second\":%.1f,", work,
                clients, number_after("actually processed: "), seconds, number_after("\ntps = ")
            printf "\"p50_us\":%d,\"p99_us\":%d,\"failed\":%d}\n", times[int(NR / 2) + 1],
                times[int(NR * 0.99) + 1], number_after("failed transactions: ")
        }' "$server_folder/sorted"
}
