# SPDX-License-Identifier: Apache-2.0
"""run.py BUILD_FOLDER: every check of `make lint`; ends with 1 when one of them found something.
What a static analysis found clean is remembered in BUILD_FOLDER/lint and not analysed again until
a file that went into it changes."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import layers
import promises
import settings
import sizes
import words
import workflows
from sources import ROOT, c_files


def check_format(_build):
    files = [str(file) for file in c_files() if file.suffix != ".def"]
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=ROOT)
    return result.returncode


def analyse(entry):
    """Runs clang-tidy on one file of the compilation database; answers what it found."""
    result = subprocess.run(
        ["clang-tidy", "--quiet", "-p", entry["build"], entry["file"]],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return result.returncode, result.stdout + (result.stderr if result.returncode else "")


def check_tidy(build):
    database = json.loads((build / "compile_commands.json").read_text())
    entries = []
    for entry in database:
        file = (Path(entry["directory"]) / entry["file"]).resolve()
        if ROOT in file.parents and build not in file.parents:  # what the build made is not ours to mend
            entries.append({"file": str(file), "build": str(build), "command": entry["command"]})
    if not entries:
        print(f"{build} was not made for this folder")
        return 1
    memory = build / "lint"
    memory.mkdir(exist_ok=True)
    settings = (ROOT / ".clang-tidy").read_bytes()
    headers = b"".join(f.read_bytes() for f in c_files() if f.suffix in (".h", ".def"))
    done, failures, started = 0, 0, time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {}
        for entry in entries:
            content = Path(entry["file"]).read_bytes() + entry["command"].encode()
            mark = memory / hashlib.sha256(settings + headers + content).hexdigest()
            if not mark.exists():
                waiting[pool.submit(analyse, entry)] = (entry, mark)
        for future in as_completed(waiting):
            entry, mark = waiting[future]
            code, output = future.result()
            done += 1
            name = Path(entry["file"]).relative_to(ROOT)
            print(f"  [{done}/{len(waiting)}] {name}{' FOUND SOMETHING' if code else ''}", flush=True)
            if code:
                failures += 1
                print(re.sub(r"^\d+ warnings?.*generated\.\n", "", output, flags=re.M))
            else:
                mark.touch()
    print(f"{len(entries)} files analysed or unchanged, {time.monotonic() - started:.0f} s")
    return failures


CHECKS = [
    ("format", check_format),
    ("layers", lambda _build: layers.main()),
    ("sizes", lambda _build: sizes.main()),
    ("settings", lambda _build: settings.main()),
    ("promises", lambda _build: promises.main()),
    ("words", lambda _build: words.main()),
    ("workflows", lambda _build: workflows.main()),
    ("static analysis", check_tidy),
]


def main():
    build = (ROOT / sys.argv[1]).resolve()
    failed = []
    for name, check in CHECKS:
        print(f"== {name}", flush=True)
        if check(build):
            failed.append(name)
    print(f"lint: {'not clean: ' + ', '.join(failed) if failed else 'clean'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
