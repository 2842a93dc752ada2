# shellcheck shell=bash disable=SC2154
# MLflow from PyPI, its SQLite store in this process, without its server.
mlflow_install() {
    install_python mlflow mlflow
}

mlflow_end() { :; }

mlflow_round() {
    # It writes ten rows a workload: a tenth of the load takes as long as the others' whole.
    python_rows mlflow mlflow_rows.py $(((load + 9) / 10))
}
