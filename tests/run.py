# SPDX-License-Identifier: Apache-2.0
"""run.py unit|integration|faults ...: runs those tests, in that order, all of them also when one
fails, and ends with the line `N passed, N failed`. BUILD names another build folder than build."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
# Fault tests wait most of their time: two files at once, each process of pytest with engines of its own.
AT_ONCE = {"faults": ["-n", "2", "--dist", "loadfile"]}


def counts(report):
    """(passed, failed, skipped) of a JUnit report; one that is missing counts as one failure."""
    try:
        tree = ElementTree.parse(report)
    except (OSError, ElementTree.ParseError):
        print(f"no report in {report}")
        return 0, 1, 0
    failed = skipped = total = 0
    for case in tree.iter("testcase"):
        total += 1
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
    return total - failed - skipped, failed, skipped


def run_to_its_end(command, **options):
    """Ctrl-C reaches what runs here too, and it needs a while to end what it started."""
    with subprocess.Popen(command, **options) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            sys.exit(130)


def run_unit():
    report = BUILD / "meson-logs" / "testlog.junit.xml"
    report.unlink(missing_ok=True)
    return run_to_its_end(["meson", "test", "-C", str(BUILD), "--print-errorlogs"]), report


def make_fault_points():
    """The variant of the build that some fault tests run, made while no test watches the time. Answers
    whether it was; the compiler has said why not."""
    folder = ROOT / "build-faults"
    setup = ["meson", "setup", str(folder), "-Dfault_points=true", "-Dunit_tests=disabled"]
    if not (folder / "build.ninja").exists() and run_to_its_end(setup, cwd=ROOT) != 0:
        return False
    return run_to_its_end(["ninja", "--quiet", "-C", str(folder), "ecs"]) == 0


def run_pytest(folder):
    report = BUILD / f"{folder}.junit.xml"
    report.unlink(missing_ok=True)
    environment = dict(os.environ, ECS_BINARY=str(BUILD / "ecs"), PYTHONDONTWRITEBYTECODE="1")
    command = [
        "/usr/bin/python3", "-m", "pytest", "-v", "--tb=short", "--durations=5", "-p", "no:cacheprovider",
        f"--junitxml={report}", *AT_ONCE.get(folder, []), str(ROOT / "tests" / folder),
    ]  # fmt: skip
    return run_to_its_end(command, cwd=ROOT, env=environment), report


def own_folder():
    """Where all of this run's temporary files go, and its engines' data."""
    folder = Path(tempfile.mkdtemp(prefix="ecs-run-"))
    folder.chmod(0o711)  # the engines' own user has to reach its data in it
    os.environ["TMPDIR"] = str(folder)
    return folder


def clear_up(folder):
    """Ends what an interrupted run left behind: pytest's processes for tests at once just end on Ctrl-C."""
    for var in folder.glob("ecs-test-*/var"):
        subprocess.run([str(ROOT / "deploy/local/engines.sh"), "down"], env=dict(os.environ, VAR_DIR=str(var)))
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in mounts:
        if mount.startswith(f"{folder}/"):
            subprocess.run(["umount", mount])
    shutil.rmtree(folder, ignore_errors=True)


def say_about_containers():
    """One line on what `make test` leaves out, and why."""
    try:
        runs = subprocess.run(["docker", "version"], capture_output=True).returncode == 0
    except FileNotFoundError:
        runs = False
    why = "they take minutes; `make test-compose` runs them" if runs else "no Docker engine runs here"
    print(f"== compose: skipped the container tests: {why}")


def run_all(sections):
    """Answers the exit code."""
    passed = failed = skipped = 0
    for section in sections:
        started = time.monotonic()
        print(f"== {section}", flush=True)
        if section == "faults" and not make_fault_points():
            failed += 1
            continue
        code, report = run_unit() if section == "unit" else run_pytest(section)
        good, bad, left = counts(report)
        # A runner that failed without a failing test (an error at its end, say) is a failure too.
        bad = max(bad, 1) if code else bad
        print(f"== {section}: {good} passed, {bad} failed, {left} skipped, {time.monotonic() - started:.0f} s")
        passed, failed, skipped = passed + good, failed + bad, skipped + left
    if "faults" in sections:
        say_about_containers()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


def main():
    folder = own_folder()
    try:
        return run_all(sys.argv[1:])
    finally:
        clear_up(folder)


if __name__ == "__main__":
    sys.exit(main())
