# SPDX-License-Identifier: Apache-2.0
"""The operators' page: what it may do, and what its script makes of the figures."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.engines import ROOT
from harness.people import Api

SCRIPT = ROOT / "web" / "dashboard.js"
GROUP = {"date": "2026-11-02", "people": 12}
FIGURES = {
    "decisions": {"approved": False, "approved_without_emotions": True, "avg_risk_score": 0.7},
    "reasons": {"reason_code": "LOW_POSITIVITY_7D"},
    "offers": {"credit_type": "LONG_TERM_PERSONAL_LOAN", "status": "active"},
    "emotions": {"avg_positivity_score": 0.61, "avg_intensity_score": 0.5, "avg_stress_level": 0.318},
}


def answers_with(complete=True, **groups):
    """What each topic is answered: one group of each, but for those that are named."""
    return {
        f"/v1/insights/{topic}": {
            "status": 200, "body": {"complete": complete, "groups": groups.get(topic, [{**GROUP, **figures}])},
        }
        for topic, figures in FIGURES.items()
    }  # fmt: skip


def run_page(*answers, token="a.b.c", days="30"):
    """What the page shows each time that the form is sent; the last of it when nobody asks for more."""
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("dashboard_page.mjs")), str(SCRIPT)], capture_output=True, text=True,
        input=json.dumps({"answers": answers, "token": token, "days": days}), timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pages = [json.loads(line) for line in done.stdout.splitlines()]
    return pages if len(answers) > 1 else pages[0]


def nodes_in(node):
    if isinstance(node, dict):
        yield node
        for child in node["children"]:
            yield from nodes_in(child)


def texts_in(node):
    return [node] if isinstance(node, str) else [text for child in node["children"] for text in texts_in(child)]


# ---- as it is served


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.loads, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        self.tags.append(tag)
        if tag in ("script", "link"):
            self.loads.append(attributes.get("src") or attributes.get("href"))


def test_the_page_loads_its_own_script_and_style_and_nothing_else(topology):
    answer = Api(topology.url).get("/dashboard")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert sorted(page.loads) == ["/dashboard/dashboard.css", "/dashboard/dashboard.js"]
    assert "style" not in page.tags and not re.search(r"<script[^>]*>[^<]", answer.text)
    for path, kind in zip(sorted(page.loads), ["text/css", "text/javascript"]):
        loaded = Api(topology.url).get(path)
        assert (loaded.status_code, loaded.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
        assert loaded.headers["X-Content-Type-Options"] == "nosniff"
        assert loaded.content == (ROOT / "web" / path.rpartition("/")[2]).read_bytes()


def test_the_browser_is_told_to_run_nothing_else(topology):
    headers = Api(topology.url).get("/dashboard").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_script_makes_text_and_never_markup():
    script = SCRIPT.read_text()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser",
                "localStorage", "sessionStorage", "cookie"):  # fmt: skip
        assert way not in script


# ---- as it runs


def test_it_asks_for_each_topic_with_the_token():
    page = run_page(answers_with(), token=" a.b.c ", days="90")
    assert page["prevented"], "the form itself goes nowhere"
    assert page["busy"] and page["ready"]
    assert page["calls"] == [
        {"path": f"/v1/insights/{topic}?days=90", "authorization": "Bearer a.b.c"} for topic in FIGURES
    ]


def test_it_shows_the_figures_of_each_topic():
    page = run_page(answers_with())
    assert not page["failed"]
    rows = {}
    for section in page["topics"]:
        [body] = [node for node in nodes_in(section) if node["name"] == "tbody"]
        rows[texts_in(section)[0]] = [texts_in(row) for row in body["children"]]
        assert [node for node in nodes_in(section) if node["name"] == "svg" and node["attributes"].get("role") == "img"]
    assert rows == {
        "Decisions": [["2026-11-02", "12", "denied by emotions", "0.700"]],
        "Reasons of denials": [["2026-11-02", "12", "LOW_POSITIVITY_7D"]],
        "Offers": [["2026-11-02", "12", "LONG_TERM_PERSONAL_LOAN", "active"]],
        "Emotions": [["2026-11-02", "12", "0.610", "0.500", "0.318"]],
    }


@pytest.mark.parametrize(
    "approved, without, words",
    [(True, True, "approved"), (True, False, "approved by emotions"), (True, None, "approved, no more is told"),
     (False, False, "denied"), (False, True, "denied by emotions"), (False, None, "denied, no more is told")],
)  # fmt: skip
def test_an_outcome_says_whether_emotions_made_it(approved, without, words):
    group = {**GROUP, "approved": approved, "approved_without_emotions": without, "avg_risk_score": 0.5}
    assert words in texts_in(run_page(answers_with(decisions=[group]))["topics"][0])


def test_its_charts_stay_within_their_frame_and_colours_tell_kinds_apart():
    days = range(1, 31)
    codes = [f"CODE_{number}" for number in range(8)]
    sections = run_page(answers_with(
        decisions=[{**GROUP, **FIGURES["decisions"], "date": f"2026-11-{day:02}", "people": 10 * day, "approved": approved}
                   for day in days for approved in (True, False)],
        reasons=[{**GROUP, "reason_code": code} for code in codes],
        emotions=[{**GROUP, **FIGURES["emotions"], "date": f"2026-11-{day:02}", "avg_positivity_score": day % 2}
                  for day in days],
    ))["topics"]  # fmt: skip
    for section in sections:
        for node in nodes_in(section):
            at = {name: float(value) for name, value in node["attributes"].items()
                  if name in ("x", "y", "cx", "cy", "x1", "x2", "y1", "y2", "width", "height")}  # fmt: skip
            assert all(0 <= value <= 900 for value in at.values()), node
            low = [at.get("y", 0) + at.get("height", 0), *(at.get(name, 0) for name in ("cy", "y1", "y2"))]
            assert max(low) <= 220, node
    bars = {node["attributes"]["class"] for node in nodes_in(sections[1]) if node["name"] == "rect"}
    assert len(bars) == len(codes)


def test_a_day_without_a_group_is_a_gap():
    emotions = [{**GROUP, **FIGURES["emotions"], "date": f"2026-11-{day:02}"} for day in (1, 2, 4)]
    section = run_page(answers_with(emotions=emotions))["topics"][3]
    joined = [node for node in nodes_in(section) if node["name"] == "line" and "series" in node["attributes"]["class"]]
    assert len(joined) == 3, "of each of the three names, from the first day to the second"
    assert "11-03" in texts_in(section)


def test_markup_in_what_comes_from_outside_stays_text():
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    section = run_page(answers_with(reasons=[{**GROUP, "reason_code": evil}]))["topics"][1]
    assert evil in texts_in(section)
    assert not {node["name"] for node in nodes_in(section)} & {"img", "script"}
    assert not [name for node in nodes_in(section) for name in node["attributes"] if name.startswith("on")]


def test_no_group_is_said_to_be_none():
    page = run_page(answers_with(**{topic: [] for topic in FIGURES}))
    assert all("No group of ten people or more" in " ".join(texts_in(section)) for section in page["topics"])


def test_days_that_are_still_to_be_counted_are_told():
    unfinished, done = run_page(answers_with(complete=False), answers_with())
    assert all("still to be counted" in " ".join(texts_in(section)) for section in unfinished["topics"])
    assert not any("still to be counted" in " ".join(texts_in(section)) for section in done["topics"])


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_shows_nothing_any_more(status):
    refused = answers_with()
    refused["/v1/insights/offers"] = {"status": status, "body": {"title": "No", "detail": "not <b>you</b>"}}
    before, page = run_page(answers_with(), refused)
    assert len(before["topics"]) == 4
    assert (page["status"], page["failed"], page["topics"], page["ready"]) == ("not <b>you</b>", True, [], True)


@pytest.mark.parametrize(
    "status, body, words",
    [(503, {"title": "Away", "detail": "come again"}, "come again"), (502, None, "502"), (200, None, "no sense")],
)
def test_a_topic_that_fails_hides_no_other(status, body, words):
    answers = answers_with()
    answers["/v1/insights/offers"] = {"status": status, "body": body}
    page = run_page(answers)
    assert not page["failed"]
    assert words in " ".join(texts_in(page["topics"][2]))
    assert [len(list(nodes_in(section))) > 10 for section in page["topics"]] == [True, True, False, True]
