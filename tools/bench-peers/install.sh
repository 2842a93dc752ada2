# shellcheck shell=bash disable=SC2154
# What is compared, put into the scratch folder; what is there already stays. Debian's packages are taken apart there
# rather than installed.

# install_debian NAME PACKAGE…: and those they need, whatever is on this machine: for apt-get it is an empty one.
install_debian() {
    local name=$1 each
    shift
    [[ ! -e $scratch/debian/.$name ]] || return 0
    say "fetching from Debian: $*"
    mkdir -p "$scratch/debs/partial" "$scratch/debian"
    apt-get -qq update >&2 || die "Debian's package lists can't be had." 69
    : >"$scratch/debs/status"
    apt-get -qq install --yes --download-only --no-install-recommends -o Dir::State::status="$scratch/debs/status" \
        -o Dir::Cache::archives="$scratch/debs" -o Debug::NoLocking=1 "$@" >&2 || die "apt-get couldn't fetch $*." 69
    for each in "$scratch"/debs/{etcd,golang}*.deb; do dpkg-deb -x "$each" "$scratch/debian"; done
    rm -rf "$scratch/debs"
    touch "$scratch/debian/.$name"
}

# install_python NAME PACKAGE: into a virtual environment of that name.
install_python() {
    local folder=$scratch/$1
    if [[ ! -e $folder/.installed ]]; then
        say "fetching from PyPI: $2"
        rm -rf "$folder"
        python3 -m venv "$folder" || die "python3 has no venv. On Debian: apt-get install python3-venv" 69
        "$folder/bin/pip" --quiet --disable-pip-version-check install "$2" >&2 || die "pip couldn't install $2." 69
        touch "$folder/.installed"
    fi
    say "$1: $("$folder/bin/python" -c "from importlib.metadata import version; print(version('$2'))")," \
        "$("$folder/bin/python" --version)," \
        "SQLite $("$folder/bin/python" -c 'import sqlite3; print(sqlite3.sqlite_version)')"
}

# built PROGRAM SOURCE…: whether the program is there and newer.
built() {
    local source
    [[ -x $1 ]] || return 1
    for source in "${@:2}"; do [[ $1 -nt $source ]] || return 1; done
}
