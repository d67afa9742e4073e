# SPDX-License-Identifier: Apache-2.0
"""What every answer that is an error has to look like (RFC 9457)."""


def assert_problem(answer, status):
    """A problem document of that status, whose id is the one in the header."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"] and body["type"]
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return body


def assert_faults(answer, *fields):
    """422 that names exactly these fields."""
    body = assert_problem(answer, 422)
    assert all(fault["message"] for fault in body["errors"])
    assert sorted({fault["field"] for fault in body["errors"]}) == sorted(fields), body["errors"]
    return body["errors"]
