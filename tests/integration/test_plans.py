# SPDX-License-Identifier: Apache-2.0
"""How PostgreSQL finds what an analysis asks for. Its statements are planned once a connection, maybe while the
tables are nearly empty and to read all of them is cheaper than an index; later they are not."""

import re

import pytest

from harness.statements import plans_logged
from harness.waiting import poll

SERVICE = "user-and-credit-service"
# A statement and the lines of its plan, which begin with a tab.
PLAN = re.compile(r" plan:\n\tQuery Text: (.*)\n((?:\t.*\n)*)")
LOOKUPS = ("WITH person AS", "UPDATE credit_limits SET status = 'superseded'")


@pytest.fixture
def small_tables(engines, topology):
    """To the planner each page that an index leads to is dear, as it is where one page holds all rows."""
    with plans_logged(engines, topology, SERVICE, "ecs_user_credit", random_page_cost=1_000_000):
        yield


def test_an_analysis_uses_indexes_also_where_tables_are_small(small_tables, person, engines):
    someone = person()
    before = len(engines.log("postgres"))
    assert someone.client.post(f"/v1/users/{someone.id}/credit-analysis").status_code == 200

    def plans():
        found = {lookup: plan for text, plan in PLAN.findall(engines.log("postgres")[before:])
                 for lookup in LOOKUPS if text.startswith(lookup)}  # fmt: skip
        return found if len(found) == len(LOOKUPS) else None

    for plan in poll(plans).values():
        assert "Index" in plan
        assert "Seq Scan" not in plan, plan
