"""The rows of tools/bench-peers on MLflow's SQLite store, through MlflowClient.

    mlflow_rows.py FOLDER ROW SECONDS COUNT

A trial is a run, a workload's metrics are one call of log_batch (ten numbers, ten rows), a config is an experiment's
tag. It has no log, no watch and no compare-and-set.
"""
import logging
import os
import sys
import time

logging.disable(logging.INFO)

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric  # noqa: E402

from measuring import CONFIG, HPARAMS, METRICS, loaded, measure, show  # noqa: E402

# Metrics in a call of log_batch, at most.
MOST = 1000


def metrics(step):
    return [Metric(name, value, 1, step) for name, value in METRICS.items()]


class Rows:
    def __init__(self, folder, seconds, count):
        self.path = os.path.join(folder, "mlflow.db")
        self.seconds, self.count = seconds, count
        began = time.perf_counter()
        self.client = MlflowClient("sqlite:///" + self.path)
        self.runs = self.client.search_runs(["0"], max_results=1)
        self.opened = time.perf_counter() - began

    def run(self):
        run = self.client.create_run("0").info.run_id
        for name, value in HPARAMS.items():
            self.client.log_param(run, name, value)
        return run

    def put(self):
        run = self.run()
        measure("mlflow.put", self.seconds, [lambda number: self.client.log_batch(run, metrics=metrics(number))])
        measure("mlflow.put.one-number", self.seconds, [
            lambda number: self.client.log_metric(run, "loss", 0.123, step=number)])
        self.put_at_once("mlflow.put.one-number", lambda run, number: (
            self.client.log_metric(run, "loss", 0.123, step=number)))
        self.put_at_once("mlflow.put", lambda run, number: self.client.log_batch(run, metrics=metrics(number)))

    def put_at_once(self, work, call):
        runs = [self.client.create_run("0").info.run_id for _ in range(64)]
        # Most fail, after half a minute: none may be left out as a warm-up.
        measure(work, self.seconds, [lambda number, run=run: call(run, number) for run in runs], warm_up=0)

    def transition(self):
        run = self.run()
        states = ["FINISHED", "RUNNING"]
        measure("mlflow.transition", self.seconds, [
            lambda number: self.client.update_run(run, status=states[number % 2])])

    def read(self):
        runs = [self.run() for _ in range(20)]
        measure("mlflow.read", self.seconds, [
            lambda number: self.client.get_run(runs[number % len(runs)])])

    def lists(self):
        for number in range(60):
            experiment = self.client.create_experiment(f"experiment-{number}")
            self.client.set_experiment_tag(experiment, "config", CONFIG)
        measure("mlflow.page", self.seconds, [
            lambda number: expect(50, self.client.search_experiments(max_results=50))])
        run = self.run()
        self.log(run, 1000)

        def of_trial(number):
            for name in METRICS:
                expect(1000, self.client.get_metric_history(run, name))

        measure("mlflow.workloads", self.seconds, [of_trial])

    def log(self, run, count):
        waiting = []
        for step in range(count):
            waiting += metrics(step)
            if len(waiting) + len(METRICS) > MOST or step == count - 1:
                self.client.log_batch(run, metrics=waiting)
                waiting = []

    def load(self):
        run = self.run()
        loaded("mlflow.load", self.path, self.count, lambda count: self.log(run, count), os.path.getsize)

    def open(self):
        expect(1, self.runs)
        show("mlflow.open", 1, times=[self.opened])


def expect(count, found):
    if len(found) != count:
        raise ValueError(f"{len(found)} instead of {count}")
    return found


if __name__ == "__main__":
    getattr(Rows(sys.argv[1], float(sys.argv[3]), int(sys.argv[4])), sys.argv[2])()
