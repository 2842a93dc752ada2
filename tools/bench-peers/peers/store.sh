# shellcheck shell=bash disable=SC2154
# Ours, with --beside: the same rows by metastore-bench, and the floor's beside them. All that is known here of
# metastore-bench stands in this file.
store_install() {
    say "metastore-bench: building"
    swift build --package-path "$root" -c release --product metastore-bench >&2
    store_bench=$(swift build --package-path "$root" -c release --show-bin-path)/metastore-bench
}

store_end() { :; }

store_round() {
    local scale
    scale=$(awk -v load="$load" 'BEGIN { print load < 1000000 ? load / 1000000 : 1 }')
    attempt store A-D "$store_bench" run --rows A,B,C,D --rounds 1 --seconds "$seconds" --work "$data" -o json
    attempt store E-G "$store_bench" run --rows E,F,G --rounds 1 --seconds "$seconds" --scale "$scale" \
        --work "$data" -o json
}
