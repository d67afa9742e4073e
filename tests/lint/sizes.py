# SPDX-License-Identifier: Apache-2.0
"""How long functions and files are: printed, and held to their limits."""

import statistics
import sys

from sources import ROOT, Findings, c_files

FUNCTION_USUAL = 40
FUNCTION_USUAL_SHARE = 0.85
FUNCTION_MAXIMUM = 70
FILE_MAXIMUM = 600


def functions(lines):
    """(first line, name, number of lines) of each function, signature and braces counted. The
    formatter puts a function's braces, and only those, alone in the first column."""
    opened = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            opened = number
            while opened > 1 and lines[opened - 2] and not lines[opened - 2].startswith(("//", "#", "}")):
                opened -= 1
        elif line == "}" and opened:
            yield opened, lines[opened - 1], number - opened + 1
            opened = None


def main():
    findings = Findings()
    lengths, sources, headers = [], [], []
    for file in c_files():
        if "unit" in file.parts:
            continue
        lines = file.read_text().splitlines()
        (headers if file.suffix == ".h" else sources).append(len(lines))
        if len(lines) > FILE_MAXIMUM:
            findings.add(file, len(lines), f"{len(lines)} lines: above {FILE_MAXIMUM}, this is two files")
        if file.suffix != ".c":
            continue
        for number, signature, length in functions(lines):
            lengths.append(length)
            if length > FUNCTION_MAXIMUM:
                findings.add(file, number, f"{length} lines: above {FUNCTION_MAXIMUM}: {signature}")
    if not lengths:
        return findings.count
    share = sum(length <= FUNCTION_USUAL for length in lengths) / len(lengths)
    print(
        f"{len(lengths)} functions: median {statistics.median(lengths):.0f} lines, longest "
        f"{max(lengths)}, {share:.1%} within {FUNCTION_USUAL}"
    )
    print(
        f"{len(sources)} .c: median {statistics.median(sources):.0f} lines, longest {max(sources)}; "
        f"{len(headers)} .h: median {statistics.median(headers):.0f}, longest {max(headers)}"
    )
    if share < FUNCTION_USUAL_SHARE:
        findings.add(ROOT / "src", 0, f"fewer than {FUNCTION_USUAL_SHARE:.0%} within {FUNCTION_USUAL} lines")
    return findings.count


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
