# SPDX-License-Identifier: Apache-2.0
"""A database that refuses to store some rows of a table."""

REFUSE = """
CREATE OR REPLACE FUNCTION refuse_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refused by a test' USING ERRCODE = '{sqlstate}';
END $$;
CREATE TRIGGER refuse_rows BEFORE INSERT ON {table}
FOR EACH ROW WHEN ({rows}) EXECUTE FUNCTION refuse_rows()
"""


class Refusal:
    """From begin() to end() the table takes no row of which `rows` (SQL) is true: it fails with an SQLSTATE."""

    def __init__(self, db, table):
        self.db, self.table = db, table

    def begin(self, sqlstate, rows="true"):
        self.db(REFUSE.format(sqlstate=sqlstate, table=self.table, rows=rows))

    def end(self):
        self.db(f"DROP TRIGGER IF EXISTS refuse_rows ON {self.table}")
        self.db("DROP FUNCTION IF EXISTS refuse_rows")
