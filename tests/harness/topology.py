# SPDX-License-Identifier: Apache-2.0
"""The eight services as real processes: all in one with one event loop, or one each with two loops and
with HTTP between them, over TCP or (of the kind "sockets") over Unix domain sockets."""

import signal
import subprocess
from urllib.parse import urlsplit

import requests

from harness.engines import BINARY, PLAIN, ROOT
from harness.people import PASSWORD
from harness.waiting import free_port, poll

# Service, where it listens, where others find it. Workers do not listen.
SERVICES = {
    "api-gateway-ecs": ("API_GATEWAY_LISTEN", None),
    "emotion-ingestion-service": ("EMOTION_SERVICE_LISTEN", "EMOTION_SERVICE_URL"),
    "transaction-service": ("TRANSACTION_SERVICE_LISTEN", "TRANSACTION_SERVICE_URL"),
    "user-and-credit-service": ("USER_CREDIT_SERVICE_LISTEN", "USER_CREDIT_SERVICE_URL"),
    "credit-analysis-service": ("CREDIT_ANALYSIS_SERVICE_LISTEN", "CREDIT_ANALYSIS_SERVICE_URL"),
    "emotion-processing-worker": (None, None),
    "transaction-processing-worker": (None, None),
    "credit-application-worker": (None, None),
}


def run_command(env, *arguments, timeout=60, **options):
    """Runs `ecs` with arguments to its end; answers the finished process with its output as text."""
    return subprocess.run(
        [str(BINARY), *arguments], env=dict(PLAIN, **env), cwd=ROOT, capture_output=True, text=True,
        timeout=timeout, **options,
    )  # fmt: skip


class Topology:
    """Starts at once and is ready when made; `stop` ends every process and checks how it ended."""

    def __init__(self, kind, engines, binary=BINARY, **settings):
        self.name = kind
        self.binary = binary
        self.engines = engines
        self.env = {**engines.env, "HTTP_LOOPS": "1" if kind == "all" else "2", **settings}
        for listen, url in SERVICES.values():
            if url and kind == "sockets":
                self.env[listen] = self.env[url] = f"unix:{engines.folder}/{listen.lower()}.sock"
            elif listen:
                self.env[listen] = f"127.0.0.1:{free_port()}"
                self.env.update({url: f"http://{self.env[listen]}"} if url else {})
        self.url = f"http://{self.env['API_GATEWAY_LISTEN']}"
        self.host, self.port = urlsplit(self.url).hostname, urlsplit(self.url).port
        self.internal_key = self.env["INTERNAL_SERVICE_API_KEY"]
        self.secret_key = self.env["SECRET_KEY"]
        self.processes = {}
        self.metrics_urls = {}
        self.started = {}
        for command in ("migrate", "provision"):
            done = run_command(self.env, command)
            assert done.returncode == 0, done.stdout + done.stderr
        self.names = ["all"] if kind == "all" else list(SERVICES)
        for name in self.names:
            self.start(name)
        self.wait_ready()

    def process_of(self, service):
        """The name of the process that runs a service; a replica has one of its own."""
        return "all" if self.name == "all" and service in SERVICES else service

    def log_file(self, name):
        folder = self.engines.folder / "log" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def start(self, name, service=None, **settings):
        """Starts one process; `settings` differ from those of the others. A replica has a name of its own
        and says of which service."""
        env = dict(self.env, **settings)
        if name != "all":
            # Each service has a role of its own and does without the owner's.
            del env["DATABASE_URL"]
            if "EMOTION_SERVICE_NATS_URL" in env:
                del env["NATS_URL"]
        env["METRICS_LISTEN"] = f"127.0.0.1:{free_port()}"
        self.metrics_urls[name] = f"http://{env['METRICS_LISTEN']}"
        with self.log_file(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(self.binary), "serve", service or name], env=dict(PLAIN, **env), cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def kill(self, name):
        """Ends a process as a crash would."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def terminate(self, name, within=15):
        """Asks a process to end; answers its exit code."""
        self.processes[name].send_signal(signal.SIGTERM)
        return self.processes[name].wait(within)

    def restart(self, name, **settings):
        """Kills and starts again; with other settings when given."""
        if self.processes[name].poll() is None:
            self.kill(name)
        self.start(name, **settings)
        self.wait_ready()

    def is_ready(self, url):
        try:
            return requests.get(url + "/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def wait_ready(self, deadline=30):
        for name in self.names:
            poll(lambda: self._alive(name) and self.is_ready(self.metrics_urls[name]), deadline,
                 f"{name} to be ready")  # fmt: skip
        poll(lambda: self.is_ready(self.url), deadline, "the gateway to be ready")

    def _alive(self, name):
        code = self.processes[name].poll()
        assert code is None, f"{name} ended with {code}:\n{self.log_tail(name)}"
        return True

    def metric(self, service, name, **labels):
        """The sum of a metric's samples that carry these labels, of the process of a service."""
        text = requests.get(self.metrics_urls[self.process_of(service)] + "/metrics", timeout=5).text
        total = 0.0
        for line in text.splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] == name and all(f'{k}="{v}"' in sample for k, v in labels.items()):
                total += float(value)
        return total

    def log_tail(self, name, lines=40):
        file = self.log_file(name)
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.is_file() else ""

    def logs(self):
        return "".join(self.log_file(name).read_text(errors="replace") for name in self.names)

    def secrets_in_logs(self):
        """Those that some process, also one that is gone, wrote into its log."""
        urls = [value for name, value in self.env.items() if name.endswith("_URL") and "@" in value]
        secrets = {self.secret_key, self.internal_key, PASSWORD, "eyJ", "$argon2id$"}
        secrets.update(url.rpartition("@")[0].rpartition(":")[2] for url in urls)
        logs = [file.read_text(errors="replace") for file in self.log_file("all").parent.glob("*.log")]
        return sorted(secret for secret in secrets if any(secret in log for log in logs))

    def stop(self):
        """SIGTERM to all; each has to end with 0 by itself, and to have told nobody a secret, whatever went wrong."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        codes = {}
        for name, process in self.processes.items():
            try:
                codes[name] = process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = "killed after 15 s"
        assert self.secrets_in_logs() == []
        return codes
