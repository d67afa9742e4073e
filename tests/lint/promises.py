# SPDX-License-Identifier: Apache-2.0
"""That every test which the documents name as `folder/file::test` exists."""

import re
import sys

from sources import ROOT, Findings

PAGES = ["docs/security.md", "docs/operations.md"]
NAMED = re.compile(r"`((?:unit|integration|faults|compose)/[\w/]+\.(?:c|py))::(\w+)`")


def tests_of(path):
    """The names of the test functions in a file; none when there is no such file."""
    if not path.exists():
        return set()
    return set(re.findall(r"^(?:def|static void) (test_\w+)\(", path.read_text(), re.M))


def main():
    findings = Findings()
    for name in PAGES:
        page = ROOT / name
        named = 0
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for file, test in NAMED.findall(line):
                named += 1
                if test not in tests_of(ROOT / "tests" / file):
                    findings.add(page, number, f"tests/{file} has no {test}")
        if not named:
            findings.add(page, 1, "names no test")
    return findings.count


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
