# SPDX-License-Identifier: Apache-2.0
"""That the table of settings in docs/operations.md is the one that src/platform/settings.def gives.
`settings.py --write` brings it up to date."""

import re
import sys

from sources import ROOT, Findings

TABLE = ROOT / "src/platform/settings.def"
PAGE = ROOT / "docs/operations.md"
HEAD = "| setting | default | what it does |\n|---|---|---|\n"
TEXT = r'"([^"]*)"'
ROW = re.compile(rf"^SETTING\((\w+), \w+,\s+(NULL|{TEXT}),[^\"]*{TEXT},\s*{TEXT}\)", re.M)


def rows():
    for name, _, default, unit, meaning in ROW.findall(TABLE.read_text()):
        shown = f"`{default}`" if default else ""
        if shown and unit:
            shown += f" ({unit.replace('|', ', ')})"
        yield f"| `{name}` | {shown} | {meaning} |\n"


def main(write=False):
    findings = Findings()
    page = PAGE.read_text()
    start = page.index(HEAD) + len(HEAD)
    end = start + re.search(r"^(?!\|)", page[start:], re.M).start()
    wanted = "".join(rows())
    if page[start:end] == wanted:
        return 0
    if write:
        PAGE.write_text(page[:start] + wanted + page[end:])
        return 0
    line = page.count("\n", 0, start)
    findings.add(PAGE, line, "not the settings of settings.def: run tests/lint/settings.py --write")
    return findings.count


if __name__ == "__main__":
    sys.exit(main(write="--write" in sys.argv))
