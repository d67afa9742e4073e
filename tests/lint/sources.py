# SPDX-License-Identifier: Apache-2.0
"""The C sources as the checks see them, and the list that findings go into."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"


def c_files():
    """Every C file of src/ and tests/unit/, sorted."""
    folders = [SOURCE, ROOT / "tests" / "unit", ROOT / "tests" / "fuzz", ROOT / "bench"]
    return sorted(
        path for folder in folders for path in folder.rglob("*") if path.suffix in (".c", ".h", ".def")
    )


def without_comments(text, strings=False):
    """The code with comments (and, when asked, the insides of strings) blanked, line for line."""

    def blank(match):
        found = match.group(0)
        if found.startswith('"') or found.startswith("'"):
            return found[0] + found[0] if strings else found
        return re.sub(r"[^\n]", " ", found)

    pattern = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/'
    return re.sub(pattern, blank, text, flags=re.S)


class Findings:
    """Counts what is wrong and prints it as file:line: message."""

    def __init__(self):
        self.count = 0

    def add(self, path, line, message):
        print(f"{Path(path).relative_to(ROOT)}:{line}: {message}")
        self.count += 1
