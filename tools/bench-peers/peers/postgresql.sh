# shellcheck shell=bash disable=SC2154
# PostgreSQL 15 from Debian with its default settings (fsync and synchronous_commit are on), over a socket, the tables
# and indexes of the store: pgbench with prepared statements, and a C program on libpq for what pgbench can't do.
# shellcheck source=tools/bench-pgbench/server.sh
source "$root/tools/bench-pgbench/server.sh"

postgresql_install() {
    [[ -f /usr/include/postgresql/libpq-fe.h ]] ||
        die "libpq's header is missing. On Debian: apt-get install libpq-dev" 69
    built "$scratch/postgresql-rows" "$here/postgresql/client.c" ||
        cc -O2 -Wall -Wextra -Werror -I/usr/include/postgresql -o "$scratch/postgresql-rows" \
            "$here/postgresql/client.c" -lpq -lpthread
    say "PostgreSQL: $("$server_binaries/postgres" --version)"
}

postgresql_end() {
    server_stop immediate
}

# postgresql_script WORK CLIENTS SCRIPT [ARGUMENT…]
postgresql_script() {
    attempt postgresql "$1" server_pgbench "postgresql.$1" "$2" "$seconds" "$3" "${@:4}"
}

postgresql_round() {
    local connection began client moved logged row
    mkdir "$data/postgresql"
    server_make "$data/postgresql"
    connection="host=$data/postgresql user=postgres dbname=bench"
    server_tables "$root/Migrations/m0001_initial.postgresql.sql"
    server_sql <"$here/postgresql/fill.sql"
    postgresql_script put 1 "$root/tools/bench-pgbench/put.sql"
    postgresql_script put 64 "$root/tools/bench-pgbench/put.sql"
    postgresql_script transition 1 "$here/postgresql/transition.sql" -D from=1 -D to=2
    moved=$(server_sql <<<'SELECT total_batches FROM plain.trials WHERE id = 1')
    logged=$(server_sql <<<'SELECT count(*) FROM plain.log WHERE kinds = 4')
    ((logged - moved <= 1)) || die "PostgreSQL moved the trial $moved times in $logged transactions"
    postgresql_script read 1 "$here/postgresql/read.sql"
    postgresql_script page 1 "$here/postgresql/page.sql"
    postgresql_script workloads.unparsed 1 "$here/postgresql/workloads.sql"
    for row in load catch-up watch; do
        attempt postgresql "$row" "$scratch/postgresql-rows" "$connection" "$row" "$seconds" "$load"
    done
    server_stop fast
    "$scratch/postgresql-rows" "$connection" answer 0 0 >"$data/answer" &
    client=$!
    children+=("$client")
    began=$(date +%s%N)
    server_start -W
    wait "$client"
    show_opening postgresql $(($(<"$data/answer") - began))
    server_stop fast
    rm -rf "$data/postgresql"
}
