# SPDX-License-Identifier: Apache-2.0
"""The SQL that docs/sql.md shows runs as it stands, and a role can do only what its service needs."""

import re

import psycopg2
import pytest

from harness.engines import ROOT

DOCUMENT = ROOT / "docs" / "sql.md"


def examples():
    """The ```sql blocks; `$1` in them is a person's id."""
    return re.findall(r"^```sql\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)


def test_there_are_examples():
    assert examples()


@pytest.mark.parametrize("sql", examples(), ids=lambda sql: " ".join(sql.split())[:60])
def test_an_example_runs(topology, person, engines, sql):
    sql = sql.replace("$1", f"'{person().id}'")
    connection = engines.connect()
    connection.autocommit = False
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            assert cursor.rowcount >= -1
    finally:
        connection.rollback()
        connection.close()


ERASE = "SELECT erase_person(gen_random_uuid()), erase_portion(gen_random_uuid(), 1)"
RESOLVE = "SELECT resolve_review(gen_random_uuid(), 'upheld', 'x', 'x', NULL, NULL, NULL, NULL, NULL)"
FORBIDDEN = {
    "EMOTION_WORKER_DATABASE_URL": [
        "SELECT email FROM users", "SELECT * FROM transactions", "UPDATE emotional_events SET stress_ppb = 0",
        "SELECT * FROM credit_limits", "UPDATE consents SET withdrawn_at = now()", "DELETE FROM emotional_events",
        "DELETE FROM emotional_event_ids", "INSERT INTO erasures DEFAULT VALUES", ERASE, "DROP TABLE emotional_events_other",
        "UPDATE emotional_event_generation SET current = 0", "SELECT make_day_of_emotions('2020-01-01')",
    ],
    "TRANSACTION_WORKER_DATABASE_URL": [
        "SELECT password_hash FROM users", "SELECT * FROM emotional_events", "SELECT * FROM consents",
        "UPDATE transactions SET amount = 1", "DELETE FROM transactions", "DELETE FROM users", ERASE, "SELECT * FROM keep_days_of_emotions(35)",
    ],
    "CREDIT_WORKER_DATABASE_URL": [
        "SELECT * FROM users", "UPDATE credit_limits SET credit_limit = 1", "DELETE FROM notifications",
        "SELECT * FROM emotional_events", "INSERT INTO decisions DEFAULT VALUES", ERASE,
    ],
    "USER_CREDIT_DATABASE_URL": [
        "UPDATE decisions SET approved = true", "DELETE FROM decisions", "INSERT INTO transactions DEFAULT VALUES",
        "DELETE FROM erasures", "DROP TABLE users", "CREATE TABLE mine ()", "SELECT * FROM keep_days_of_emotions(35)",
        "UPDATE reviews SET outcome = 'upheld'", "DELETE FROM reviews", RESOLVE,
    ],
    "REVIEWER_DATABASE_URL": [
        "SELECT email FROM users", "SELECT * FROM decisions", "SELECT * FROM reviews", "UPDATE reviews SET outcome = NULL",
        "INSERT INTO credit_limits DEFAULT VALUES", "SELECT * FROM emotional_events_summary", "SELECT * FROM transactions", ERASE,
    ],
}  # fmt: skip


@pytest.mark.parametrize("setting", FORBIDDEN)
def test_a_service_role_can_do_only_what_it_needs(topology, engines, setting):
    connection = engines.connect(engines.env[setting])
    with connection.cursor() as cursor:
        for sql in FORBIDDEN[setting]:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(sql)
    connection.close()


def test_money_is_never_a_binary_float(db, topology):
    rows = db(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type IN ('real', 'double precision')"
    )
    assert rows == []


def test_every_table_can_be_split_by_person(topology, db):
    """Every primary key begins with the person's id, but where nobody's is in the table."""
    first_columns = dict(db(
        "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
        " WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace",
    ))  # fmt: skip
    assert first_columns.pop("users") == "id"
    for nobodys in ("schema_migrations", "insights", "insight_days"):
        first_columns.pop(nobodys)
    assert set(first_columns.values()) == {"user_id"}, first_columns
