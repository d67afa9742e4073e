#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_counts.py: compares what the scenarios saw answered with what PostgreSQL holds, for the people of
sessions.json and of the journeys made with it. Waits for the workers up to LOAD_WAIT seconds (60).

LOAD_SESSIONS and LOAD_RESULTS name sessions.json and the folder of the results (under var/load/).
PostgreSQL is DATABASE_URL's, or LOAD_PSQL is a command that reads SQL from its standard input and prints
bare rows: LOAD_PSQL="docker compose exec -T postgres psql -XAtq -U ecs ecs"."""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("VAR_DIR") or ROOT / "var")
SESSIONS = Path(os.environ.get("LOAD_SESSIONS") or VAR / "load" / "sessions.json")
RESULTS = Path(os.environ.get("LOAD_RESULTS") or VAR / "load" / "results")

# One row: each kind's number of stored rows, and the events as the daily sums count them.
QUERY = """
WITH people AS (SELECT id FROM users WHERE email LIKE '{tag}-%')
SELECT (SELECT count(*) FROM emotional_events WHERE user_id IN (SELECT id FROM people)),
       (SELECT coalesce(sum(event_count), 0) FROM emotional_events_summary WHERE user_id IN (SELECT id FROM people)),
       (SELECT count(*) FROM transactions WHERE user_id IN (SELECT id FROM people)),
       (SELECT count(*) FROM credit_limits WHERE status = 'active' AND user_id IN (SELECT id FROM people));
"""

# What is compared: its name, and the counters of what was sent, what was answered with success, and what
# was refused. The rest was sent without a certain answer, and may be stored or not.
KINDS = [
    ("emotions stored", "emotions_sent", "emotions_accepted", "emotions_refused"),
    ("emotions in the daily sums", "emotions_sent", "emotions_accepted", "emotions_refused"),
    ("transactions stored", "transactions_sent", "transactions_accepted", "transactions_refused"),
    ("offers active", "acceptances_sent", "offers_activated", None),
]


def psql():
    """The command and the environment that reach PostgreSQL; a password is never an argument."""
    if os.environ.get("LOAD_PSQL"):
        return shlex.split(os.environ["LOAD_PSQL"]), None
    url = urlsplit(os.environ.get("DATABASE_URL", ""))
    if not url.hostname:
        sys.exit("DATABASE_URL or LOAD_PSQL must say where PostgreSQL is")
    environment = dict(
        os.environ,
        PGHOST=url.hostname,
        PGPORT=str(url.port or 5432),
        PGUSER=unquote(url.username or ""),
        PGPASSWORD=unquote(url.password or ""),
        PGDATABASE=unquote(url.path.lstrip("/")),
    )
    return ["psql", "-XAtq", "--no-password"], environment


def stored(tag):
    command, environment = psql()
    result = subprocess.run(command, env=environment, input=QUERY.format(tag=tag), capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"psql: {result.stderr.strip().splitlines()[-1]}")
    return [int(value) for value in result.stdout.strip().split("|")]


def answered(tag):
    """The counters of all runs of these people, added up."""
    total, runs = {}, 0
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        if result["tag"] == tag:
            runs += 1
            for name, count in result["counted"].items():
                total[name] = total.get(name, 0) + count
    if not runs:
        sys.exit(f"no result of {tag} in {RESULTS}")
    return total


def bounds(total):
    """(name, what must be there, what may be there on top) of each kind."""
    for name, sent, least, refused in KINDS:
        yield name, total[least], total[sent] - total[least] - total.get(refused, 0)


def holds(total, rows):
    return all(least <= found <= least + more for found, (_, least, more) in zip(rows, bounds(total)))


def main():
    try:
        people = json.loads(SESSIONS.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{SESSIONS} cannot be read: {error}")
    tag = people[0]["email"].rsplit("-", 1)[0]
    total = answered(tag)
    begun = time.monotonic()
    deadline = begun + float(os.environ.get("LOAD_WAIT") or 60)
    rows = stored(tag)
    while not holds(total, rows) and time.monotonic() < deadline:
        time.sleep(0.2)
        rows = stored(tag)
    print(f"PostgreSQL, {time.monotonic() - begun:.1f} s after the last run:")
    for found, (name, least, more) in zip(rows, bounds(total)):
        extra = f" (and {more} without a certain answer)" if more else ""
        verdict = "" if least <= found <= least + more else "   WRONG"
        print(f"  {name:<27}{found:>9} of {least} answered{extra}{verdict}")
    return 0 if holds(total, rows) else 1


if __name__ == "__main__":
    sys.exit(main())
