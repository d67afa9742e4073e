# SPDX-License-Identifier: Apache-2.0
"""How far the workers are: events counted in the daily sums."""

import time

from machine import Failure


COUNTED = "SELECT coalesce(sum(event_count), 0) FROM emotional_events_summary"


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
