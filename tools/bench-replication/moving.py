"""A store with a million workloads that moves to PostgreSQL while its master works: the runbook's steps."""

import json
import os
import shutil
import subprocess
import tempfile
import time

from processes import Daemon, await_, timed


class Server:
    """A PostgreSQL server of its own, reached by a socket."""

    def __init__(self):
        # Debian's, or where all of them are on the path.
        folders = ["/usr/lib/postgresql/15/bin", *os.environ["PATH"].split(":")]
        needed = ["postgres", "initdb", "pg_ctl", "createdb"]
        self.programs = next(
            path for path in folders if all(os.path.exists(f"{path}/{program}") for program in needed)
        )
        self.folder = tempfile.mkdtemp(prefix="bench-move-")
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")

    def call(self, *words):
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
        subprocess.run([*as_user, *words], check=True, capture_output=True, cwd=self.folder)

    def __enter__(self):
        self.call(f"{self.programs}/initdb", "-D", f"{self.folder}/data", "-U", "bench", "-A", "trust")
        options = f"-k {self.folder} -c listen_addresses='' -c max_wal_size=4GB -c shared_buffers=512MB"
        self.call(
            f"{self.programs}/pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options,
            "start",
        )
        self.call(f"{self.programs}/createdb", "-h", self.folder, "-U", "bench", "moved")
        return self

    def __exit__(self, *_):
        self.call(f"{self.programs}/pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return f"postgresql://bench@/moved?host={self.folder}"


def move(rig):
    """How long no write is taken."""
    place = rig.place("move")
    archive = f"{place}/archive"
    os.makedirs(archive)
    store = f"{place}/master.db"
    made = rig.fill(store, rig.count(1_000_000, 5_000))
    with Server() as server:
        began = time.monotonic()
        timed(rig.replicate, "archive", "--store", store, "--to", archive, "--once")
        timed(rig.replicate, "snapshot", "--store", store, "--to", archive)
        archiver = Daemon(rig.replicate, "archive", "--store", store, "--to", archive)
        follower = Daemon(rig.replicate, "follow", "--from", archive, "--into", server.url)
        # More than it comes to: it commits until it is stopped.
        master = Daemon(
            rig.bench, "master", "--path", store, "--clients", 4, "--pause", 5, "--quiet", "--commits", 10**9
        )
        loaded = time.monotonic()
        with archiver, follower, master:
            await_(lambda: has_caught_up(rig, archive, server), 900, 1)
            copied = time.monotonic() - began
            # Compared while the master works: what it writes until it stops is compared by the digests of each segment.
            compared, _ = timed(rig.replicate, "verify", archive, "--store", server.url)
            assert master.process.poll() is None
            stopped = time.monotonic()
            master.stop()
            assert archiver.stop() == 0
            assert follower.stop() == 0
        followed, _ = timed(rig.replicate, "follow", "--from", archive, "--into", server.url, "--once")
        promoted, _ = timed(rig.replicate, "promote", server.url, "--archive", archive, "--yes")
        stood = time.monotonic() - stopped
        commits = status(rig, archive, server)["revision"] - made["revision"]
        return {
            "SQLite to PostgreSQL": {
                "copied after s": copied, "compared s": compared, "stood still s": stood, "followed s": followed,
                "promoted s": promoted, "commits per s": commits / (stopped - loaded),
            }
        }


def status(rig, archive, server):
    """What is said of the archive and the store, or nothing while there is none."""
    done = subprocess.run(
        [rig.replicate, "status", archive, "--store", server.url, "-o", "json"], capture_output=True, text=True
    )
    return json.loads(done.stdout) if done.returncode in (0, 1) else {}


def has_caught_up(rig, archive, server):
    """The follower has caught up: what it lacks is a moment's commits."""
    said = status(rig, archive, server)
    store = said.get("store")
    return bool(store) and said["revision"] - store["revision"] < 2_000
