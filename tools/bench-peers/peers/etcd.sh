# shellcheck shell=bash disable=SC2154
# etcd from Debian, one member with its default settings (each commit is flushed before it is answered) but a quota
# above 2 GB. The client is a Go program on etcd's own client library, from Debian too.
etcd_process=
etcd_port=

etcd_install() {
    install_debian etcd etcd-server etcd-client golang-go golang-etcd-server-dev
    built "$scratch/etcd-rows" "$here"/etcd/*.go || with_go build -o "$scratch/etcd-rows" .
    say "etcd: $("$scratch/debian/usr/bin/etcd" --version | head -n 1)"
}

with_go() {
    (cd "$here/etcd" && env GOROOT="$scratch/debian/usr/lib/go-1.19" GOPATH="$scratch/debian/usr/share/gocode" \
        GOCACHE="$scratch/go-cache" GO111MODULE=off GOFLAGS= "$scratch/debian/usr/lib/go-1.19/bin/go" "$@")
}

# Waits for its first answer, and sets etcd_opened to how long that took, in nanoseconds.
etcd_start() {
    local peer began client
    "$scratch/etcd-rows" -endpoint "127.0.0.1:$etcd_port" -rows answer >"$data/answer" &
    client=$!
    peer=http://127.0.0.1:$((etcd_port + 1))
    sleep 0.2
    began=$(date +%s%N)
    "$scratch/debian/usr/bin/etcd" --data-dir "$data/etcd" --quota-backend-bytes $((8 << 30)) --log-level error \
        --logger zap --listen-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "$peer" \
        --advertise-client-urls "http://127.0.0.1:$etcd_port" --initial-advertise-peer-urls "$peer" \
        --initial-cluster "default=$peer" >"$data/etcd.log" 2>&1 &
    etcd_process=$!
    children+=("$client" "$etcd_process")
    wait "$client" || { cat "$data/etcd.log" >&2; return 1; }
    etcd_opened=$(($(<"$data/answer") - began))
}

etcd_end() {
    [[ -z $etcd_process ]] || { kill "$etcd_process" && wait "$etcd_process"; } 2>/dev/null || true
    etcd_process=
}

etcd_round() {
    etcd_port=$(free_ports)
    etcd_start
    local row
    for row in commits transitions reads lists load watch catch-up; do
        attempt etcd "$row" "$scratch/etcd-rows" -endpoint "127.0.0.1:$etcd_port" -seconds "$seconds" -load "$load" \
            -data "$data/etcd" -rows "$row"
    done
    etcd_end
    etcd_start
    show_opening etcd "$etcd_opened"
    if [[ $check_perf == yes ]]; then
        "$scratch/debian/usr/bin/etcdctl" --endpoints "127.0.0.1:$etcd_port" check perf --load l 2>&1 |
            tr '\r' '\n' | grep -E 'PASS|FAIL' | sed 's/^/etcdctl check perf: /' >&2 || true
    fi
    etcd_end
    rm -rf "$data/etcd"
}
