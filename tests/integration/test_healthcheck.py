# SPDX-License-Identifier: Apache-2.0
"""`ecs healthcheck`, which a container's health rests on."""

from harness.topology import run_command
from harness.waiting import free_port


def test_it_answers_for_a_process_that_is_ready(topology):
    name = topology.names[0]
    listen = topology.metrics_urls[name].removeprefix("http://")
    done = run_command({"METRICS_LISTEN": listen}, "healthcheck")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    port = listen.rpartition(":")[2]
    assert run_command({"METRICS_LISTEN": f"0.0.0.0:{port}"}, "healthcheck").returncode == 0
    assert run_command({}, "healthcheck", "--url", f"{topology.url}/healthz").returncode == 0


def test_it_says_in_one_line_what_is_wrong(topology):
    url = f"http://127.0.0.1:{free_port()}/readyz"
    done = run_command({}, "healthcheck", "--url", url)
    assert (done.returncode, done.stderr) == (1, f"ecs: {url} does not answer\n")
    done = run_command({}, "healthcheck", "--url", f"{topology.url}/nothing")
    assert (done.returncode, done.stderr) == (1, "ecs: answered 404\n")
    done = run_command({}, "healthcheck")
    assert (done.returncode, done.stderr) == (1, "ecs: METRICS_LISTEN is not set: say --url\n")
    done = run_command({"METRICS_LISTEN": "nonsense"}, "healthcheck")
    assert done.returncode == 1 and "METRICS_LISTEN" in done.stderr
