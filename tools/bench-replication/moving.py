"""A store with a million workloads that moves to PostgreSQL while its master works: the runbook's steps."""

import json
import os
import shutil
import subprocess
import tempfile
import time

from processes import Daemon, Talker, await_, timed


class Server:
    """A PostgreSQL server of its own, reached by a socket."""

    def __init__(self):
        folders = [path for path in os.environ["PATH"].split(":") if os.path.exists(f"{path}/postgres")]
        self.programs = folders[0] if folders else "/usr/lib/postgresql/15/bin"
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
    rig.fill(store, rig.count(1_000_000, 5_000))
    with Server() as server:
        began = time.monotonic()
        timed(rig.replicate, "archive", "--store", store, "--to", archive, "--once")
        timed(rig.replicate, "snapshot", "--store", store, "--to", archive)
        archiver = Daemon(rig.replicate, "archive", "--store", store, "--to", archive)
        follower = Daemon(rig.replicate, "follow", "--from", archive, "--into", server.url)
        with Talker(
            rig.bench, "master", "--path", store, "--commits", rig.count(60_000), "--clients", 4, "--pause", 5, "--quiet"
        ) as master:
            master.until("ready")
            await_(lambda: has_caught_up(rig, archive, server), 900, 1)
            copied = time.monotonic() - began
            # Compared while the master works: what it writes until it stops is compared by the digests of each segment.
            timed(rig.replicate, "verify", archive, "--store", server.url)
            master.process.terminate()
            master.process.wait()
        stopped = time.monotonic()
        assert archiver.stop() in (0, 143, -15)
        assert follower.stop() in (0, 143, -15)
        timed(rig.replicate, "follow", "--from", archive, "--into", server.url, "--once")
        timed(rig.replicate, "promote", server.url, "--archive", archive, "--yes")
        stood = time.monotonic() - stopped
        return {"SQLite to PostgreSQL": {"copied after s": copied, "stood still s": stood}}


def has_caught_up(rig, archive, server):
    """The follower has caught up: what it lacks is a moment's commits."""
    done = subprocess.run(
        [rig.replicate, "status", archive, "--store", server.url, "-o", "json"], capture_output=True, text=True
    )
    if done.returncode not in (0, 1):
        return False
    said = json.loads(done.stdout)
    store = said.get("store")
    return bool(store) and said["revision"] - store["revision"] < 2_000
