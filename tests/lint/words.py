# SPDX-License-Identifier: Apache-2.0
"""What every file begins with, calls that are banned, and that the build knows every source."""

import re
import subprocess
import sys

from sources import ROOT, SOURCE, Findings, c_files, without_comments

LICENSE_LINE = "SPDX-License-Identifier: Apache-2.0"

BANNED = {
    "alloca": "memory_new",
    "asprintf": "buffer_add_format",
    "atof": "strtod with a check of its end",
    "atoi": "strtol with a check of its end",
    "atol": "strtol with a check of its end",
    "atoll": "strtoll with a check of its end",
    "ctime": "timestamp_format",
    "gets": "fgets",
    "gmtime": "timestamp_format",
    "localtime": "timestamp_format",
    "popen": "no shell",
    "rand": "platform/ids.h",
    "sprintf": "snprintf",
    "stpcpy": "struct buffer",
    "strcat": "struct buffer",
    "strcpy": "snprintf",
    "strncat": "struct buffer",
    "strncpy": "snprintf",
    "strtok": "strchr or strcspn",
    "system": "no shell",
    "tmpnam": "mkstemp",
    "vsprintf": "vsnprintf",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def scripts():
    """The shell and Python files of the repository."""
    for folder in ("api", "tests", "deploy", "bench", "models", "load", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def check_c(file, findings):
    text = file.read_text()
    lines = text.splitlines()
    if not lines or lines[0] != f"// {LICENSE_LINE}":
        findings.add(file, 1, f"the first line must be: // {LICENSE_LINE}")
    if len(lines) < 2 or not lines[1].startswith(("// ", "/* ")):
        findings.add(file, 2, "after the licence, a comment says what the file is")
    for number, line in enumerate(without_comments(text, strings=True).splitlines(), 1):
        for call in CALL.findall(line):
            findings.add(file, number, f"{call}() is banned: {BANNED[call]}")
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line):
            findings.add(file, number, "unfinished work does not land")


def check_script(file, findings):
    if file.suffix not in (".py", ".sh") and not (file.suffix == "" and file.stat().st_mode & 0o100):
        return
    head = file.read_text().splitlines()[:2]
    if not any(LICENSE_LINE in line for line in head):
        findings.add(file, 1, f"one of the first two lines must be: # {LICENSE_LINE}")
    shell = file.suffix == ".sh" or (head and head[0].startswith("#!/bin/bash"))
    if shell:
        result = subprocess.run(["bash", "-n", str(file)], capture_output=True, text=True)
        if result.returncode:
            findings.add(file, 1, result.stderr.strip())
    else:
        try:
            compile(file.read_text(), str(file), "exec")
        except SyntaxError as error:
            if file.suffix == ".py":
                findings.add(file, error.lineno or 1, str(error))


def check_build(findings):
    """src/meson.build and tests/unit/meson.build list what there is, sorted within each layer."""
    listing = SOURCE / "meson.build"
    listed = re.findall(r"^\s*'([^']+\.c)',", listing.read_text(), re.M)
    present = {file.relative_to(SOURCE).as_posix() for file in SOURCE.rglob("*.c")}
    for path in sorted(present - set(listed)):
        findings.add(listing, 1, f"{path} is not built")
    tests = ROOT / "tests" / "unit"
    known = set(re.findall(r"^\s*'(test_\w+)',", (tests / "meson.build").read_text(), re.M))
    for file in sorted(tests.glob("test_*.c")):
        if file.stem not in known:
            findings.add(tests / "meson.build", 1, f"{file.name} is not built")


def main():
    findings = Findings()
    for file in c_files():
        check_c(file, findings)
    for file in scripts():
        check_script(file, findings)
    check_build(findings)
    return findings.count


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
