# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL holds about a person."""

TABLES = ("consents", "emotional_events", "emotional_event_ids", "emotional_events_summary", "transactions",
          "decisions", "reviews", "credit_limits", "notifications")  # fmt: skip


def rows_of(db, user_id):
    """How many rows in each table with people in it, but `users`."""
    return {table: db(f"SELECT count(*) FROM {table} WHERE user_id = %s", user_id)[0][0] for table in TABLES}
