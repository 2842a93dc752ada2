# shellcheck shell=bash disable=SC2154
# ML Metadata from PyPI, its SQLite store in this process: a rollback journal, every commit flushed (four flushes each).
ml_metadata_install() {
    install_python ml-metadata ml-metadata
}

ml_metadata_end() { :; }

ml_metadata_round() {
    python_rows ml-metadata ml_metadata_rows.py "$load"
}
