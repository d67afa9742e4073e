# SPDX-License-Identifier: Apache-2.0
"""Private PostgreSQL, NATS and Redis in a folder of their own, by deploy/local/engines.sh."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg2

from harness.waiting import free_port, poll

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("ECS_BINARY", ROOT / "build" / "ecs")).resolve()
NAMES = ("postgres", "nats", "redis")

# A plain environment, so that no setting of the caller's shell reaches a test; sanitizers keep
# theirs.
PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.environ.get("HOME", "/")}
# Under a sanitizer (tests/checked.sh) its own memory and system calls are counted with ours.
INSTRUMENTED = "ASAN_OPTIONS" in os.environ
PLAIN.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS") or k == "OMP_NUM_THREADS"})


def read_env(file):
    """The variables that a file of `export NAME=value` lines sets."""
    shell = 'set -a; . "$0"; exec env -0'
    output = subprocess.run(
        ["bash", "-c", shell, str(file)], env={"PATH": PLAIN["PATH"]}, check=True, capture_output=True
    ).stdout.decode()
    pairs = dict(line.split("=", 1) for line in output.split("\0") if line)
    return {k: v for k, v in pairs.items() if k.isupper() and k not in ("PATH", "PWD", "SHLVL", "_")}


class Engines:
    """Starts all three; `down` stops them and removes the folder."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ecs-test-"))
        # The engines' own user has to reach its data in it.
        self.folder.chmod(0o711)
        self.var = self.folder / "var"
        self.reserve_ports()
        self.up()

    def reserve_ports(self):
        """Theirs alone also while an engine is killed, whatever else runs its tests on this machine."""
        self.var.mkdir()
        names = ("POSTGRES", "NATS", "REDIS", "METRICS")
        (self.var / "ports").write_text("".join(f"{name}_PORT={free_port()}\n" for name in names))

    def _script(self, *arguments):
        environment = dict(PLAIN, VAR_DIR=str(self.var))
        result = subprocess.run(
            [str(ROOT / "deploy" / "local" / "engines.sh"), *arguments],
            env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def up(self):
        """Starts what does not run; answers what the script said."""
        said = self._script("up")
        self.env = read_env(self.var / "env")
        return said

    def down(self):
        self._script("down")
        shutil.rmtree(self.folder, ignore_errors=True)

    def pid(self, name):
        return int((self.var / "run" / f"{name}.pid").read_text().split()[0])

    def kill(self, name):
        """Ends an engine as a crash would."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        poll(lambda: not running(pid), what=f"{name} to end")

    def pause(self, name):
        os.kill(self.pid(name), signal.SIGSTOP)

    def resume(self, name):
        os.kill(self.pid(name), signal.SIGCONT)

    def connect(self, url=None):
        """A connection to the database in autocommit, as its owner unless another URL is given."""
        connection = psycopg2.connect(url or self.env["DATABASE_URL"])
        connection.autocommit = True
        return connection

    def as_superuser(self, sql):
        """Runs one statement as the superuser."""
        password = (self.var / "secrets" / "postgres").read_text()
        address = self.env["DATABASE_URL"].split("@")[1].split("/")[0]
        connection = self.connect(f"postgresql://postgres:{password}@{address}/postgres")
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    def log(self, name):
        return (self.var / "log" / f"{name}.log").read_text(errors="replace")


def running(pid):
    """Whether a process lives (one that ended but was not waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
