"""Measuring a peer's Python library: one JSON object a line, as metastore-bench prints them."""
import json
import sys
import threading
import time

METRICS = {
    "accuracy": 0.987654321, "epoch": 12, "gpu_utilization": 0.97, "gradient_norm": 1.2345678,
    "learning_rate": 0.0001234, "memory_bytes": 17179869184, "perplexity": 3.14159,
    "samples_per_second": 12345.678, "training_loss": 0.123, "validation_loss": 0.1353,
}
METRICS_TEXT = json.dumps(METRICS, separators=(",", ":"))
HPARAMS = {
    "activation": "gelu", "batch_size": 256, "beta1": 0.9, "beta2": 0.999, "dropout": 0.1, "epsilon": 1e-8,
    "gradient_clipping": 1, "hidden": 768, "layers": 12, "learning_rate": 0.001, "optimizer": "adamw",
    "precision": "bf16", "schedule": "cosine", "sequence_length": 1024, "vocabulary": 50257, "warmup_steps": 1000,
    "weight_decay": 0.01,
}
CONFIG = "c" * 2048


def show(work, operations, clients=1, seconds=None, times=(), bytes_per_row=None, failed=0):
    figures = {"work": work, "clients": clients, "operations": operations}
    if seconds:
        figures |= {"seconds": round(seconds, 3), "per_second": round(operations / seconds, 1)}
    if times:
        ordered = sorted(times)
        figures["p50_us"] = round(ordered[len(ordered) // 2] * 1e6, 2)
        figures["p99_us"] = round(ordered[len(ordered) * 99 // 100] * 1e6, 2)
    if bytes_per_row:
        figures["bytes_per_row"] = round(bytes_per_row, 1)
    print(json.dumps(figures | {"failed": failed}), flush=True)


def measure(work, seconds, calls, warm_up=0.2):
    """Runs each call on a thread of its own until the time is over; a share of it, before, is not counted.

    A call is given its number. Those that fail are counted, and the first failure of all is told.
    """
    began = time.perf_counter() + seconds * warm_up
    end = began + seconds
    times, failures = [], []

    def work_on(call):
        number = 0
        while (before := time.perf_counter()) < end:
            try:
                call(number)
                if before >= began:
                    times.append(time.perf_counter() - before)
            except Exception as error:  # Whatever it is: the peer couldn't do it.
                if before >= began:
                    failures.append(error)
            number += 1

    threads = [threading.Thread(target=work_on, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        print(f"{work}: {len(failures)} calls failed, such as: {str(failures[0])[:100]}", file=sys.stderr)
    show(work, len(times), len(calls), time.perf_counter() - began, times, failed=len(failures))


def loaded(work, path, count, load, size):
    """Measures one bulk load of so many rows."""
    before, began = size(path), time.perf_counter()
    load(count)
    seconds = time.perf_counter() - began
    show(work, count, 1, seconds, bytes_per_row=(size(path) - before) / count)
