"""Processes of a measurement: each in a context, ended with it."""

import json
import os
import signal
import subprocess
import time


class Talker:
    """A program that says lines of JSON, and works until its input ends."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def go(self):
        """Lets one that waits begin."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(f"{self.process.args[0]} ended with {self.process.wait()}")
        return json.loads(text)

    def until(self, field):
        """Its lines up to the one with a field, and that one."""
        lines = []
        while True:
            line = self.line()
            if field in line:
                return lines, line
            lines.append(line)

    def end(self):
        """Lets it finish what it has to, and tells of its failure."""
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.stdout.read()
        if self.process.wait() != 0:
            raise RuntimeError(f"{self.process.args[:2]} ended with {self.process.returncode}")


class Daemon:
    """A program that works until it is told to stop."""

    def __init__(self, *words, **settings):
        self.process = subprocess.Popen(
            [str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **settings
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def timed(*words):
    """How many seconds a program takes that has to succeed, and what it says."""
    began = time.monotonic()
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise RuntimeError(f"{words[:3]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return seconds, done.stdout


def size(folder):
    """The bytes of all files in a folder."""
    return sum(
        os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names
    )


def await_(condition, seconds=60, pause=0.001):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise RuntimeError("waited in vain")
        time.sleep(pause)
