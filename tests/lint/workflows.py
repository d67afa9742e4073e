# SPDX-License-Identifier: Apache-2.0
"""The workflows: every action pinned by its full commit with the version beside it, least permissions, a
time limit for every job; and actionlint, where it is on the path (--actionlint: it must be)."""

import re
import shutil
import subprocess
import sys

from sources import ROOT, Findings

FOLDER = ROOT / ".github" / "workflows"
USES = re.compile(r"^\s*(?:-\s+)?uses:\s*(\S+)(?:\s+#\s*(.*))?$")
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")
IMAGE = re.compile(r"^docker://\S+@sha256:[0-9a-f]{64}$")
JOB = re.compile(r"^  ([\w-]+):\s*$")


def check_uses(file, lines, findings):
    for number, line in enumerate(lines, 1):
        match = USES.match(line)
        if not match:
            continue
        action, version = match.groups()
        if action.startswith("./") or IMAGE.match(action):
            continue
        if not PINNED.match(action):
            findings.add(file, number, f"{action} is not pinned by a full commit: owner/name@<40 digits> # vX.Y.Z")
        elif not re.match(r"v\d+(\.\d+)*$", version or ""):
            findings.add(file, number, f"{action}: a comment says the version: # vX.Y.Z")


def jobs(lines):
    """(line, name, text) of each job: the keys two spaces deep below `jobs:`."""
    start = lines.index("jobs:") + 1 if "jobs:" in lines else len(lines)
    heads = [i for i in range(start, len(lines)) if JOB.match(lines[i])]
    for head, end in zip(heads, heads[1:] + [len(lines)]):
        yield head + 1, JOB.match(lines[head]).group(1), lines[head + 1 : end]


def check_limits(file, lines, findings):
    if "permissions:" not in lines or lines[lines.index("permissions:") + 1] != "  contents: read":
        findings.add(file, 1, "the workflow's own permissions are `contents: read`; a job may ask for more")
    if "concurrency:" not in lines:
        findings.add(file, 1, "concurrency is not limited")
    if any("pull_request_target" in line for line in lines):
        findings.add(file, 1, "pull_request_target would run a stranger's code with our rights")
    for number, name, text in jobs(lines):
        called = any(line.startswith("    uses:") for line in text)
        if not called and not any(line.startswith("    timeout-minutes:") for line in text):
            findings.add(file, number, f"job {name} has no timeout-minutes")


def run_actionlint(files, wanted):
    tool = shutil.which("actionlint")
    if not tool:
        print("actionlint is not on the path: the workflows' syntax is not checked")
        return 1 if wanted else 0
    return subprocess.run([tool, "-no-color", *map(str, files)], cwd=ROOT).returncode


def main(wanted=False):
    findings = Findings()
    files = sorted([*FOLDER.glob("*.yml"), *FOLDER.glob("*.yaml")])
    for file in files:
        lines = file.read_text().splitlines()
        check_uses(file, lines, findings)
        check_limits(file, lines, findings)
    return findings.count + (run_actionlint(files, wanted) if files else 0)


if __name__ == "__main__":
    sys.exit(1 if main("--actionlint" in sys.argv[1:]) else 0)
