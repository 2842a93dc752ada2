"""The rows of tools/bench-peers on ML Metadata's SQLite store.

    ml_metadata_rows.py FOLDER ROW SECONDS COUNT

An experiment is a context, a trial and a workload are executions; what has no column of its own is one string property
of JSON, which costs it the fewest rows. It has no log, no watch and no compare-and-set.
"""
import json
import os
import sys
import time

from ml_metadata.metadata_store import ListOptions, MetadataStore, OrderByField
from ml_metadata.proto import metadata_store_pb2 as proto

from measuring import CONFIG, HPARAMS, METRICS_TEXT, loaded, measure, show

EACH = 1000


def open_store(path):
    config = proto.ConnectionConfig()
    config.sqlite.filename_uri = path
    config.sqlite.connection_mode = proto.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return MetadataStore(config)


class Rows:
    def __init__(self, folder, seconds, count):
        self.path = os.path.join(folder, "ml-metadata.db")
        self.seconds, self.count = seconds, count
        self.store = open_store(self.path)
        kind = proto.ExecutionType(name="workload", properties={"metrics": proto.STRING})
        self.workload_type = self.store.put_execution_type(kind)
        kind = proto.ExecutionType(name="trial", properties={"hparams": proto.STRING})
        self.trial_type = self.store.put_execution_type(kind)
        kind = proto.ContextType(name="experiment", properties={"config": proto.STRING})
        self.experiment_type = self.store.put_context_type(kind)

    def workload(self):
        execution = proto.Execution(type_id=self.workload_type)
        execution.properties["metrics"].string_value = METRICS_TEXT
        return execution

    def trial(self):
        execution = proto.Execution(type_id=self.trial_type, last_known_state=proto.Execution.RUNNING)
        execution.properties["hparams"].string_value = json.dumps(HPARAMS)
        return execution

    def put(self):
        measure("ml-metadata.put", self.seconds, [lambda number: self.store.put_executions([self.workload()])])
        # A store for each: they wait less for each other than on one that they share.
        stores = [open_store(self.path) for _ in range(64)]
        measure("ml-metadata.put", self.seconds, [
            lambda number, store=store: store.put_executions([self.workload()]) for store in stores])

    def transition(self):
        trial = self.trial()
        trial.id = self.store.put_executions([trial])[0]
        states = [proto.Execution.CACHED, proto.Execution.RUNNING]

        def move(number):
            trial.last_known_state = states[number % 2]
            self.store.put_executions([trial])

        measure("ml-metadata.transition", self.seconds, [move])

    def read(self):
        ids = []
        for _ in range(10):
            ids += self.store.put_executions([self.trial() for _ in range(EACH)])
        measure("ml-metadata.read", self.seconds, [
            lambda number: self.store.get_executions_by_id([ids[number * 7919 % len(ids)]])])

    def lists(self):
        contexts = []
        for number in range(200):
            context = proto.Context(type_id=self.experiment_type, name=f"experiment-{number}")
            context.properties["config"].string_value = CONFIG
            contexts.append(context)
        contexts = self.store.put_contexts(contexts)
        page = ListOptions(limit=50, order_by=OrderByField.ID)
        measure("ml-metadata.page", self.seconds, [lambda number: expect(50, self.store.get_contexts(page))])
        ids = self.store.put_executions([self.workload() for _ in range(EACH)])
        self.store.put_attributions_and_associations(
            [], [proto.Association(context_id=contexts[0], execution_id=each) for each in ids])

        def of_trial(number):
            for each in expect(EACH, self.store.get_executions_by_context(contexts[0])):
                json.loads(each.properties["metrics"].string_value)

        measure("ml-metadata.workloads", self.seconds, [of_trial])

    def load(self):
        def put(count):
            for start in range(0, count, EACH):
                self.store.put_executions([self.workload() for _ in range(min(EACH, count - start))])

        loaded("ml-metadata.load", self.path, self.count, put, os.path.getsize)

    def open(self):
        known = self.store.put_executions([self.trial()])[0]
        times = []
        for _ in range(20):
            began = time.perf_counter()
            expect(1, open_store(self.path).get_executions_by_id([known]))
            times.append(time.perf_counter() - began)
        show("ml-metadata.open", len(times), times=times)


def expect(count, found):
    if len(found) != count:
        raise ValueError(f"{len(found)} instead of {count}")
    return found


if __name__ == "__main__":
    getattr(Rows(sys.argv[1], float(sys.argv[3]), int(sys.argv[4])), sys.argv[2])()
