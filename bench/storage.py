# SPDX-License-Identifier: Apache-2.0
"""What is stored: events put there beforehand, and how far the workers are."""

import time

from machine import Failure


COUNTED = "SELECT coalesce(sum(event_count), 0) FROM emotional_events_summary"


def with_ids(insert):
    """A statement that inserts raw emotions, with their ids in both generations, as after some months."""
    return (
        f"WITH made AS ({insert} RETURNING user_id, event_id, occurred_at)"
        " INSERT INTO emotional_event_ids SELECT *, (random() < 0.5)::int FROM made"
    )


def counted(cursor):
    cursor.execute(COUNTED)
    return int(cursor.fetchone()[0])


def wait_counted(cursor, least, seconds):
    """Seconds until so many are counted."""
    begun = time.monotonic()
    while counted(cursor) < least:
        if time.monotonic() - begun > seconds:
            raise Failure(f"of {least:,} events {counted(cursor):,} are stored after {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - begun
