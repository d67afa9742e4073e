# SPDX-License-Identifier: Apache-2.0
"""The table of the benchmark, on the screen and in var/bench.json, beside the last recorded run
(bench/history, one line a commit)."""

import dataclasses
import json
import os
import platform
import statistics
import subprocess
import time

from machine import ROOT

HISTORY = ROOT / "bench" / "history"
DISTURBING = 2  # percent
PICTURE = 24  # characters of a ratio of 1, or of a limit


@dataclasses.dataclass
class Row:
    id: str
    name: str  # of this row in the history, one word
    what: str
    unit: str
    # One figure a pair; a single one when there is nothing to compare with.
    ours: list = dataclasses.field(default_factory=list)
    others: list = dataclasses.field(default_factory=list)
    # One bar, or none for a row that only informs.
    at_least: float = None  # of the ratio
    at_most: float = None  # of the figure itself
    notes: dict = dataclasses.field(default_factory=dict)

    @property
    def ratios(self):
        return [ours / other for ours, other in zip(self.ours, self.others)]

    @property
    def measured(self):
        """What the bar is about: the ratios, or our figures."""
        return self.ratios if self.others else self.ours

    @property
    def median(self):
        return statistics.median(self.measured)

    @property
    def held(self):
        """True also without a bar."""
        if self.at_least is not None:
            return self.median >= self.at_least
        return self.at_most is None or self.median <= self.at_most

    @property
    def bar(self):
        """As text; empty when there is none."""
        if self.at_least is not None:
            return f">= {self.at_least:.2f}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"


def figure(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def picture(row):
    """The median as a bar of characters, with a mark where the bar to hold is."""
    whole = row.at_most if row.at_most is not None else 1.0
    filled = min(PICTURE, round(row.median / whole * PICTURE))
    cells = ["#"] * filled + ["."] * (PICTURE - filled)
    mark = PICTURE if row.at_least is None else round(row.at_least * PICTURE)
    cells.insert(min(mark, PICTURE), "|")
    return "".join(cells)


def change(row, before):
    """By how much the median differs from that of the recorded run."""
    if not before.get(row.name):
        return ""
    return f"{(row.median / before[row.name] - 1) * 100:+.0f} %"


def line(row, before):
    held = ("held" if row.held else "MISSED") if row.bar else ""
    other = f"{figure(statistics.median(row.others))}" if row.others else "-"
    return (
        f"{row.id:<4} {row.what:<60} {figure(statistics.median(row.ours)):>9} {other:>9} {row.unit:<7}"
        f"{figure(row.median):>7} {figure(min(row.measured)):>7} {figure(max(row.measured)):>7}  "
        f"{row.bar:<8} {held:<6} {picture(row)} {change(row, before):>7}"
    )


def disturbance(stolen):
    """Parts during which the host gave others a share that shows."""
    parts = [f"{names} {share:.0f} %" for names, share in stolen.items() if share >= DISTURBING]
    return f"processor time that the host gave to others: {'; '.join(parts)}" if parts else ""


def show(rows, faults, stolen, seconds):
    before = recorded()
    print(
        f"\n{'id':<4} {'what':<60} {'ours':>9} {'other':>9} {'unit':<7}{'median':>7} {'min':>7} {'max':>7}  "
        f"{'bar':<8} {'':<6} {'ratio, or share of the limit':<{PICTURE + 1}} {'before' if before else ''}"
    )
    for row in rows:
        print(line(row, before))
        if row.notes:
            print("       " + "; ".join(f"{name} {figure(value)}" for name, value in row.notes.items()))
    barred = [row.held for row in rows if row.bar]
    print(f"{sum(barred)} of {len(barred)} held, in {seconds:.0f} s")
    if disturbance(stolen):
        print(disturbance(stolen))
    for fault in faults:
        print(f"NOT TRUE: {fault}")
    if not faults:
        print("the run was true: what was acknowledged is in PostgreSQL, each event once")


def save(rows, faults, stolen):
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    document = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "true": not faults,
        "faults": faults,
        "stolen": stolen,
        "rows": [
            {
                **dataclasses.asdict(row),
                "ratios": row.ratios,
                "median": row.median,
                "min": min(row.measured),
                "max": max(row.measured),
                "held": row.held,
            }
            for row in rows
        ],
    }
    (folder / "bench.json").write_text(json.dumps(document, indent=2) + "\n")


# ---- the history

def recorded():
    """The medians of the last recorded run, by name."""
    lines = HISTORY.read_text().splitlines() if HISTORY.exists() else []
    lines = [text for text in lines if not text.startswith("#")]
    return {name: float(value) for name, _, value in (word.partition("=") for word in lines[-1].split()[2:])} if lines else {}


def record(rows):
    """Adds a line for the present commit, instead of one that is there already."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    figures = " ".join(f"{row.name}={row.median:.3g}" for row in rows)
    lines = HISTORY.read_text().splitlines() if HISTORY.exists() else ["# commit, date, and the median of each row"]
    lines = [text for text in lines if not text.startswith(commit)]
    HISTORY.write_text("\n".join([*lines, f"{commit} {time.strftime('%Y-%m-%d')} {figures}"]) + "\n")
