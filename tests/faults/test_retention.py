# SPDX-License-Identifier: Apache-2.0
"""Raw emotion events do not outlive their retention; the daily sums do."""

from harness.waiting import poll

WORKER = "emotion-processing-worker"


def test_raw_events_beyond_their_retention_are_removed(topology, person, db):
    someone = person()
    someone.feel()
    poll(lambda: db("SELECT 1 FROM emotional_events WHERE user_id = %s", someone.id))
    db(
        "INSERT INTO emotional_events SELECT gen_random_uuid(), user_id, now() - interval '36 days',"
        " emotion_type, positivity_ppb, intensity_ppb, stress_ppb"
        " FROM emotional_events, generate_series(1, 3) WHERE user_id = %s",
        someone.id,
    )
    summary = "SELECT summary_date, event_count FROM emotional_events_summary WHERE user_id = %s"
    before = db(summary, someone.id)

    topology.restart(topology.process_of(WORKER))

    count = "SELECT count(*) FROM emotional_events WHERE user_id = %s"
    poll(lambda: db(count, someone.id) == [(1,)])
    assert db(summary, someone.id) == before
    assert topology.metric(WORKER, "ecs_emotions_removed_total") >= 3
