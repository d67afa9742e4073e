# SPDX-License-Identifier: Apache-2.0
"""coverage.py SUMMARY: prints what a summary of gcovr says by folder, and ends with 1 when a bar is
not reached."""

import json
import sys
from collections import Counter
from pathlib import Path

DOMAIN_BAR = 100.0
WHOLE_BAR = 85.0


def share(reached, total):
    return 100.0 * reached / total if total else 0.0


def main():
    files = json.loads(Path(sys.argv[1]).read_text())["files"]
    total, reached = Counter(), Counter()
    for file in files:
        folder = str(Path(file["filename"]).parent)
        for group in {folder, "in all"}:
            total[group] += file["line_total"]
            reached[group] += file["line_covered"]
    for group in sorted(total, key=lambda name: (name == "in all", name)):
        print(f"{share(reached[group], total[group]):6.1f} % of {total[group]:5d} lines  {group}")
    domain = share(reached["src/domain"], total["src/domain"])
    whole = share(reached["in all"], total["in all"])
    for file in files:
        if file["filename"].startswith("src/domain/") and file["line_covered"] < file["line_total"]:
            print(f"missed: {file['line_total'] - file['line_covered']} lines of {file['filename']}")
    held = domain >= DOMAIN_BAR and whole >= WHOLE_BAR
    print(
        f"coverage: domain {domain:.1f} % (bar {DOMAIN_BAR:.0f}), in all {whole:.1f} % "
        f"(bar {WHOLE_BAR:.0f}): {'held' if held else 'NOT HELD'}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
