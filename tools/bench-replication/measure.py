"""The rows. Each makes its store in a folder of its own, and gives back figures by their names."""

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing

from moving import move
from processes import Daemon, Talker, await_, size, timed

ROWS = ["lag", "bytes", "commits", "catch-up", "restore", "move"]


class Rig:
    def __init__(self, programs, litestream, folder, scale):
        self.bench = f"{programs}/metastore-bench-replication"
        self.replicate = f"{programs}/metastore-replicate"
        self.litestream = litestream
        self.folder = folder
        self.scale = scale

    def count(self, number, least=10):
        return max(least, int(number * self.scale))

    def place(self, name):
        path = f"{self.folder}/{name}"
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def fill(self, path, workloads, batch=1_000):
        _, said = timed(self.bench, "fill", "--path", path, "--workloads", workloads, "--batch", batch)
        return json.loads(said)

    def replicating(self, path, replica):
        """Litestream on a store, once what is there can be restored."""
        daemon = Daemon(self.litestream, "replicate", path, f"file://{replica}")
        trial = f"{self.folder}/trial.db"
        words = [self.litestream, "restore", "-o", trial, f"file://{replica}"]
        await_(lambda: subprocess.run(words, capture_output=True).returncode == 0, pause=0.2)
        os.remove(trial)
        return daemon


def delays(commits, reads, read="read"):
    """From each commit's answer until it could be read, in milliseconds."""
    answered = {line["revision"]: line["answered"] for line in commits if "revision" in line}
    found = {line["revision"]: line[read] for line in reads if line.get("revision") in answered}
    return sorted((found[revision] - answered[revision]) / 1e6 for revision in found)


def quantiles(values):
    return {"p50": statistics.median(values), "p95": values[int(len(values) * 0.95)], "count": len(values)}


def lag(rig):
    """From a commit's answer until a follower's reader has it; ten commits a second."""
    commits = rig.count(100)
    figures = {}
    for way in ["live", "archive"]:
        place = rig.place(f"lag-{way}")
        made = rig.fill(f"{place}/master.db", 1_000)
        words = ["--serve"] if way == "live" else ["--archive", f"{place}/archive"]
        if way == "archive":
            os.makedirs(f"{place}/archive")
        with Talker(
            rig.bench, "master", "--path", f"{place}/master.db", "--commits", commits, "--pause", 100, "--waits",
            *words,
        ) as master:
            source = ["--archive", f"{place}/archive", "--cluster", made["cluster"]]
            if way == "live":
                source = ["--server", f"http://127.0.0.1:{master.until('port')[1]['port']}"]
            # The archiver's place in the log is a revision, too.
            last = made["revision"] + commits + (way == "archive")
            master.until("ready")
            with Talker(
                rig.bench, "replica", "--path", f"{place}/replica.db", "--through", last, "--from", made["revision"],
                *source,
            ) as replica:
                replica.until("ready")
                master.go()
                written, _ = master.until("commits")
                read, _ = replica.until("last")
        figures[way] = quantiles(delays(written, read))
    if rig.litestream:
        figures["litestream"] = litestream_lag(rig, commits)
    return figures


def litestream_lag(rig, commits):
    place = rig.place("lag-litestream")
    rig.fill(f"{place}/master.db", 1_000)
    with Talker(
        rig.bench, "master", "--path", f"{place}/master.db", "--commits", commits, "--pause", 100, "--waits"
    ) as master:
        master.until("ready")
        with rig.replicating(f"{place}/master.db", f"{place}/replica"):
            with Daemon(rig.litestream, "restore", "-f", "-o", f"{place}/replica.db", f"file://{place}/replica"):
                await_(lambda: os.path.exists(f"{place}/replica.db"))
                read, seen, failed = [], 0, 0
                end = time.monotonic() + commits * 0.1 + 15
                while time.monotonic() < end:
                    try:
                        with closing(sqlite3.connect(f"file:{place}/replica.db?mode=ro", uri=True)) as reader:
                            revision = reader.execute("SELECT revision FROM head").fetchone()[0]
                    except sqlite3.Error:
                        failed += 1
                        time.sleep(0.002)
                        continue
                    now = time.monotonic_ns()
                    if not seen:
                        master.go()
                    if seen and revision > seen:
                        read += [{"revision": number, "read": now} for number in range(seen + 1, revision + 1)]
                    seen = max(seen, revision)
                    time.sleep(0.002)
                written, _ = master.until("commits")
    return quantiles(delays(written, read)) | {"failed reads": failed}


def transitions(rig, name, commits, clients, pause, age):
    place = rig.place(name)
    os.makedirs(f"{place}/archive")
    with Talker(
        rig.bench, "master", "--path", f"{place}/master.db", "--archive", f"{place}/archive", "--work", "transition",
        "--commits", commits, "--clients", clients, "--pause", pause, "--segment-age", age, "--quiet", "--waits",
    ) as master:
        master.until("ready")
        # What was there before is archived.
        time.sleep(age + 1)
        before = size(f"{place}/archive")
        master.go()
        master.until("commits")
    return (size(f"{place}/archive") - before) / commits


def bytes_(rig):
    """Archived for a trial's transition: alone in its segment, and among 5,100 in one."""
    return {
        "alone": transitions(rig, "bytes-alone", 10, 1, 1_000, 0.2),
        "in 5,100": transitions(rig, "bytes-batch", 5_100, 1, 0, 30),
        "in 5,100, of as many trials": transitions(rig, "bytes-trials", 5_100, 5_100, 0, 30),
    }


def commits(rig):
    """A client's commits, and those of 64, without replication, archived, and beside litestream."""
    figures = {}
    for clients, number in [(1, rig.count(12_000)), (64, rig.count(64 * 1_600))]:
        for way in ["off", "archived", "litestream"] if rig.litestream else ["off", "archived"]:
            place = rig.place(f"commits-{way}")
            rig.fill(f"{place}/master.db", 1_000)
            words = []
            if way == "archived":
                os.makedirs(f"{place}/archive")
                words = ["--archive", f"{place}/archive"]
            with Talker(
                rig.bench, "master", "--path", f"{place}/master.db", "--commits", number, "--clients", clients,
                "--waits", *words,
            ) as master:
                master.until("ready")
                # It holds a read open: a store whose write-ahead log it holds isn't opened.
                daemon = rig.replicating(f"{place}/master.db", f"{place}/replica") if way == "litestream" else None
                master.go()
                written, done = master.until("commits")
            if daemon:
                daemon.stop()
            took = sorted((line["answered"] - line["began"]) / 1e6 for line in written if "answered" in line)
            figures[f"{way}, {clients}"] = quantiles(took) | {
                "per second": done["commits"] / (done["nanoseconds"] / 1e9)
            }
    return figures


def catch_up(rig):
    """Revisions a second that a follower applies which lacks them."""
    number = rig.count(200_000)
    place = rig.place("catch-up")
    os.makedirs(f"{place}/archive")
    made = rig.fill(f"{place}/master.db", 1_000)
    figures = {}

    def follow(way, through, *source):
        words = ["--path", f"{place}/{way}.db", "--through", through, "--quiet", *source]
        with Talker(rig.bench, "replica", *words) as replica:
            return replica.until("last")[1]["nanoseconds"] / 1e9

    with Talker(
        rig.bench, "master", "--path", f"{place}/master.db", "--archive", f"{place}/archive", "--commits", number,
        "--clients", 200, "--quiet", "--serve", "--waits",
    ) as master:
        server = ["--server", f"http://127.0.0.1:{master.until('port')[1]['port']}"]
        master.until("ready")
        # From a server one with nothing takes a snapshot: it has to have begun before.
        follow("server", made["revision"], *server)
        master.go()
        last = master.until("last")[1]["last"]
        # All of it is archived.
        time.sleep(5)
        for way, known, source in [
            ("archive", 0, ["--archive", f"{place}/archive", "--cluster", made["cluster"]]),
            ("server", made["revision"], server),
        ]:
            figures[way] = {"per second": (last - known) / follow(way, last, *source), "revisions": last - known}
    return figures


def restore(rig):
    """A store of about 100 MB: what it takes to have it back, and what its archive takes."""
    place = rig.place("restore")
    made = rig.fill(f"{place}/master.db", rig.count(240_000, 2_000))
    archive = f"{place}/archive"
    os.makedirs(archive)
    timed(rig.replicate, "archive", "--store", f"{place}/master.db", "--to", archive, "--once")
    log = size(archive)
    figures = {"store": {"MB": os.path.getsize(f"{place}/master.db") / 1e6}, "log": {"MB": log / 1e6}}
    for form in ["portable", "image"]:
        took, _ = timed(rig.replicate, "snapshot", "--store", f"{place}/master.db", "--to", archive, "--form", form)
        figures[f"snapshot, {form}"] = {"seconds": took, "MB": (size(archive) - log) / 1e6}
        log = size(archive)
        took, _ = timed(rig.replicate, "restore", archive, "--into", f"{place}/{form}.db")
        figures[f"restore, {form}"] = {"seconds": took}
    if not rig.litestream:
        return figures
    replica = f"{place}/replica"
    with rig.replicating(f"{place}/master.db", replica):
        await_(lambda: stands_still(replica), 60, 1)
    figures["litestream's replica"] = {"MB": size(replica) / 1e6}
    took, _ = timed(rig.litestream, "restore", "-o", f"{place}/litestream.db", f"file://{replica}")
    figures["restore, litestream"] = {"seconds": took}
    with closing(sqlite3.connect(f"{place}/litestream.db")) as found:
        assert found.execute("SELECT revision FROM head").fetchone()[0] == made["revision"]
    return figures


def stands_still(folder):
    before = size(folder)
    time.sleep(2)
    return size(folder) == before


CALLS = {"lag": lag, "bytes": bytes_, "commits": commits, "catch-up": catch_up, "restore": restore, "move": move}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--litestream")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="bench-replication-")
    os.chmod(folder, 0o711)
    rig = Rig(given.programs, given.litestream, folder, given.scale)
    found = {}
    try:
        for round_ in range(given.rounds):
            for row in given.rows.split(","):
                print(f"round {round_ + 1}: {row}", file=sys.stderr)
                for name, figure in CALLS[row](rig).items():
                    print(json.dumps({"row": row, "name": name, "round": round_ + 1, "figure": figure}), flush=True)
                    parts = figure if isinstance(figure, dict) else {"": figure}
                    for part, value in parts.items():
                        found.setdefault((row, name, part), []).append(value)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for (row, name, part), values in found.items():
        low, high = min(values), max(values)
        print(
            f"{row:9} {name:26} {part:10} {statistics.median(values):12.3f}   {low:.3f} to {high:.3f}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
