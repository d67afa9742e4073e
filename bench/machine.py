# SPDX-License-Identifier: Apache-2.0
"""The processes of one run of the benchmark: engines, servers, nginx. All of them are children of this
process or stopped by their pid file, also when the run is cut short."""

import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
ECS = pathlib.Path(os.environ.get("ECS_BINARY", ROOT / "build" / "ecs"))
TICKS = os.sysconf("SC_CLK_TCK")

# What the largest load sends has to fit into a stream; half of what is free on the disk is the limit.
STREAMS = 5
STREAM_BYTES = 3 << 30
PEER_BYTES = 1 << 30  # of the stream of P2's other side

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 202; }}
    }}
}}
"""


class Failure(Exception):
    """Why a part of the benchmark could not be measured."""


def say(text):
    print(text, file=sys.stderr, flush=True)


given_ports = set()


def free_port():
    """A free port below those that the kernel gives to outgoing connections, and given to nobody before."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given_ports:
            given_ports.add(port)
            return port


def wait_until(what, seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{what} after {seconds} s")
        time.sleep(0.005)


class Server:
    """A child process with its addresses, and what it has used."""

    started_ms = 0.0  # from its exec to its readiness

    def __init__(self, process, url, metrics_url):
        self.process = process
        self.url = url
        self.metrics_url = metrics_url

    @property
    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def resident_mib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def metric(self, name):
        """The sum of a metric over its labels; 0 when it is not there yet."""
        with urllib.request.urlopen(f"{self.metrics_url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[ {{]", line))

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failure(f"a server ended with {self.process.returncode}")
        try:
            with urllib.request.urlopen(f"{self.metrics_url}/readyz", timeout=2) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as answer:
            # Services that the measurement leaves out are away, and stay so.
            return answer.code == 503 and all(name.endswith("-service") for name in json.load(answer)["down"])
        except OSError:
            return False


def cpu_seconds(pid):
    """Processor time of a process, its threads included; 0 when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def processor_ticks():
    """The time of all processors so far, and how much of it the host gave to other machines."""
    ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return sum(ticks), ticks[7]


def stolen_since(before):
    """The share, in percent, that the host gave to others since then."""
    (all_then, stolen_then), (all_now, stolen_now) = before, processor_ticks()
    return 100 * (stolen_now - stolen_then) / max(all_now - all_then, 1)


def children(pid):
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if folder.name.isdigit() and int(fields[1]) == pid:
            found.append(int(folder.name))
    return found


class Machine:
    def __init__(self):
        for program in ("wrk", "nginx"):
            if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
                sys.exit(f"bench: {program} is missing (apt-get install wrk nginx-light)")
        if not ECS.exists():
            sys.exit(f"bench: {ECS} is missing (make build)")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ecs-bench-"))
        self.folder.chmod(0o711)
        self.variables = self.folder / "var"
        self.environment = dict(os.environ)
        self.processes = []

    # ---- engines

    def _engines(self, command):
        room = STREAMS * STREAM_BYTES + PEER_BYTES
        environment = dict(os.environ, VAR_DIR=str(self.variables), NATS_STORE_MAX_BYTES=str(room))
        return subprocess.run(
            [ROOT / "deploy/local/engines.sh", command], env=environment, stdout=subprocess.DEVNULL
        )

    def engines_up(self):
        """The engines, with the tables and the streams."""
        say("starting engines")
        if self._engines("up").returncode != 0:
            sys.exit("bench: the engines did not start")
        for line in (self.variables / "env").read_text().splitlines():
            words = shlex.split(line)
            if len(words) == 2 and words[0] == "export":
                name, _, value = words[1].partition("=")
                self.environment[name] = value
        room = int((self.variables / "nats" / "max_file_store").read_text())
        self.environment["STREAM_MAX_BYTES"] = str((room - PEER_BYTES) // STREAMS)
        self.ecs("migrate")
        self.ecs("provision")

    def engine_pid(self, name):
        return int((self.variables / "run" / f"{name}.pid").read_text().split()[0])

    def postgres_cpu_seconds(self):
        return sum(cpu_seconds(pid) for pid in children(self.engine_pid("postgres")))

    # ---- processes of ours

    def ecs(self, *arguments):
        command = subprocess.run(
            [ECS, *arguments], env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if command.returncode != 0:
            sys.exit(f"bench: ecs {' '.join(arguments)}: {command.stdout.decode()}")

    def _start(self, name, command, environment):
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def serve(self, *services, **settings):
        """Starts the services in one process and waits until they are ready."""
        port, metrics_port = free_port(), free_port()
        environment = dict(
            self.environment,
            LOG_LEVEL="warning",
            API_GATEWAY_LISTEN=f"127.0.0.1:{port}",
            METRICS_LISTEN=f"127.0.0.1:{metrics_port}",
        )
        for name in ("EMOTION_SERVICE", "TRANSACTION_SERVICE", "USER_CREDIT_SERVICE", "CREDIT_ANALYSIS_SERVICE"):
            environment[f"{name}_LISTEN"] = f"127.0.0.1:{free_port()}"
        environment.update(settings)
        begun = time.monotonic()
        process = self._start("ecs", [ECS, "serve", *services], environment)
        server = Server(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}")
        wait_until(f"ecs serve {' '.join(services)} is not ready", 20, server.is_ready)
        server.started_ms = (time.monotonic() - begun) * 1000
        return server

    def serve_apart(self, service, setting, over):
        """A gateway and one service as two processes, over "unix" or "tcp"; answers both."""
        address = f"unix:{self.folder}/{service}.sock" if over == "unix" else f"127.0.0.1:{free_port()}"
        behind = self.serve(service, **{f"{setting}_LISTEN": address})
        url = address if over == "unix" else f"http://{address}"
        return self.serve("api-gateway-ecs", **{f"{setting}_URL": url}), behind

    def nginx(self):
        """nginx with one worker that answers 202 to everything."""
        port = free_port()
        configuration = self.folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=self.folder, port=port))
        path = os.environ["PATH"] + ":/usr/sbin"
        program = shutil.which("nginx", path=path)
        command = [program, "-c", configuration, "-e", self.folder / "nginx.log"]
        process = self._start("nginx", command, dict(os.environ))

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until("nginx does not listen", 10, listens)
        return Server(process, f"http://127.0.0.1:{port}", None)

    def stop(self, server):
        self._end(server.process)

    def _end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                say(f"process {process.pid} did not stop within 15 s; ending it")
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)

    def close(self):
        """Stops everything; a second Ctrl-C does not keep it from doing so."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in list(self.processes):
            self._end(process)
        if self.variables.exists():
            self._engines("down")
        if os.environ.get("KEEP"):
            say(f"kept {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
