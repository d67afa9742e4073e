# SPDX-License-Identifier: Apache-2.0
"""Faults between any two steps: a build whose processes end, fail or hang before and after each
publish, acknowledgement, commit, cache write and answer, as a seed decides, under the whole journey."""

import os
import random
import subprocess
from collections import Counter
from signal import SIGKILL
from types import SimpleNamespace

import pytest

from conftest import LONG, SEED

from harness.checker import check
from harness.engines import BINARY, ROOT, Engines
from harness.journey import Journey
from harness.nats import Nats
from harness.people import Person
from harness.topology import Topology
from harness.waiting import poll

FIRST_SEED = int(os.environ.get("FAULTS_SEED") or (SEED if LONG else 1))
SEEDS = range(FIRST_SEED, FIRST_SEED + (20 if LONG else 2))
THINGS = 1000  # asked for with each seed
THINGS_A_POINT = 200  # asked for while one step alone fails
KILLED = 137  # how a process ends that a point ended
BUILD = ROOT / "build-faults"
# Each as often as it is worth: points that are passed once an event, and those passed now and then.
OFTEN = ("before_group_publish", "after_group_publish", "before_commit", "after_commit", "before_send", "after_send")
RARE = ("before_publish", "after_publish", "before_ack", "after_ack", "before_cache_write", "after_cache_write")
WITHOUT_ERROR = ("after_ack", "after_send")


@pytest.fixture
def all_well():
    """What the other tests keep running is not used here."""


@pytest.fixture(scope="module")
def binary():
    """The variant of the build that has the points; tests/run.py makes it."""
    path = BUILD / "ecs"
    assert path.exists(), f"{path} is missing: tests/run.py faults"
    return path


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    """Engines and all services of this module's own, in one process, so that a fault meets everything."""
    engines = Engines()
    connection = engines.connect()

    def db(sql, *parameters):
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else None

    report = tmp_path_factory.mktemp("points") / "report"
    topology = Topology(
        "all", engines, binary, ACK_WAIT_MS="2000", DECISION_CACHE_SECONDS="1", ECS_FAULTS_REPORT=str(report)
    )
    nats = Nats(engines.env["NATS_URL"])
    yield SimpleNamespace(topology=topology, db=db, nats=nats, report=report, token=Person(topology).token)
    codes = topology.stop()
    nats.close()
    connection.close()
    engines.down()
    assert codes == {"all": 0}


def plan_of(dice):
    """One point ends the process, and most of the others fail or hang now and then."""
    points = OFTEN + RARE
    deadly = dice.choice(points)
    rules = [f"seed={dice.randrange(10**6)}", f"{deadly}=exit@{dice.randrange(1, 300 if deadly in OFTEN else 25)}"]
    for point in points:
        if point != deadly and dice.random() < 0.8:
            action = "delay" if point in WITHOUT_ERROR else dice.choice(["error", "error", "delay"])
            rules.append(f"{point}={action}:{0.03 if point in OFTEN else 0.1}")
    return ",".join(rules)


def was_ended(topology):
    """Whether the process has ended, which has to be by a point or by the test."""
    code = topology.processes["all"].poll()
    assert code in (None, KILLED, -SIGKILL), f"ended with {code}:\n{topology.log_tail('all')}"
    return code is not None


def live_with_faults(topology, journey, dice, plans):
    """Until enough was asked for; a process that a point ended starts again with another plan."""
    goal = journey.asked() + THINGS

    def done():
        if was_ended(topology):
            plans.append(plan_of(dice))
            topology.start("all", ECS_FAULTS=plans[-1])
        return journey.asked() >= goal

    poll(done, 120, "enough to be asked for under faults")


def counts_of(report):
    """Of each point: how often it was reached, and fired, in all processes so far."""
    reached, fired = Counter(), Counter()
    for line in report.read_text().splitlines():
        name, passed, hit = line.split()
        reached[name] += int(passed)
        fired[name] += int(hit)
    return reached, fired


def table_of(reached, fired):
    return "\n".join(f"{name:22} reached {reached[name]:7}  fired {fired[name]:5}" for name in OFTEN + RARE)


def test_faults_between_any_two_steps_lose_double_and_invent_nothing(world, record_property):
    topology = world.topology
    for seed in SEEDS:
        dice, plans = random.Random(seed), []
        try:
            with Journey(topology, world.db, world.token, seed) as journey:
                topology.kill("all")
                live_with_faults(topology, journey, dice, plans)
                topology.terminate("all")
                topology.restart("all")
                journey.wait_for(50)
            check(journey.history, world.db, world.nats)
        except AssertionError as failure:
            raise AssertionError(f"FAULTS_SEED={seed}, plans {plans}: {failure}") from failure
        record_property(f"fault points, seed {seed}", f"{len(plans)} processes, answers {dict(journey.history.codes)}")
    topology.terminate("all")
    topology.start("all")
    topology.wait_ready()
    reached, fired = counts_of(world.report)
    record_property("fault points, all seeds", table_of(reached, fired))
    assert [name for name in OFTEN + RARE if not reached[name]] == []
    assert sum(fired.values()) > 0


def fail_at(world, point, journey):
    """Lets the step fail a third of the time."""
    world.topology.terminate("all")
    before = counts_of(world.report)[1][point]
    world.topology.start("all", ECS_FAULTS=f"seed={FIRST_SEED},{point}=error:0.3")
    journey.wait_for(THINGS_A_POINT)
    world.topology.terminate("all")
    assert counts_of(world.report)[1][point] > before, "the fault did not happen"


def end_at(world, point):
    """Ends the process there, where a crash would leave one step done and the next not."""
    world.topology.terminate("all")
    world.topology.start("all", ECS_FAULTS=f"{point}=exit@3")
    poll(lambda: was_ended(world.topology), 60, f"the process to end {point}")


@pytest.mark.parametrize("point", OFTEN + RARE)
def test_one_step_that_fails_and_then_ends_the_process_loses_doubles_and_invents_nothing(world, point):
    """What the random plans do rarely, each step does here for certain."""
    with Journey(world.topology, world.db, world.token, f"{FIRST_SEED} {point}") as journey:
        if point not in WITHOUT_ERROR:
            fail_at(world, point, journey)
        end_at(world, point)
        world.topology.restart("all")
        journey.wait_for(50)
    check(journey.history, world.db, world.nats)


def test_a_start_survives_a_lost_answer_to_the_commit_of_its_migrations(world):
    world.topology.restart("all", ECS_FAULTS="after_commit=error@1")
    world.topology.restart("all")


def test_a_plan_that_cannot_be_read_ends_the_process(world, binary):
    for plan in ("after_dinner=exit@1", "after_commit=explode@1", "after_commit=exit", "after_commit=exit@"):
        done = subprocess.run(
            [str(binary), "migrate"], env=dict(world.topology.env, ECS_FAULTS=plan), cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 1 and done.stderr.startswith("ecs: ECS_FAULTS: "), done.stderr


def test_a_release_has_no_fault_points(binary):
    """Neither the setting nor a symbol nor a name of a point stands in what is shipped."""
    for word in (b"ECS_FAULTS", b"fault_point_fires", b"before_group_publish"):
        assert word in binary.read_bytes()
        assert word not in BINARY.read_bytes()
