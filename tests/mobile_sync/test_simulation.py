"""The simulation itself: two thousand seeds in memory, some over PostgreSQL, and that everything happens in them.

A seed means the same run as long as the simulation is the same. What seeds have found stands in `test_planted.py`: each
bug once more, with the seed that shows it and the invariant it breaks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mobile_sync.__main__ import main
from mobile_sync.adapters.tracking import Tracker
from mobile_sync.simulation.campaign import Campaign, Summary
from mobile_sync.simulation.faults import Tally
from mobile_sync.simulation.network import FATES
from mobile_sync.simulation.postgres import PostgresHouse
from mobile_sync.simulation.postgres_state import drop_schema, simulation_engine
from tests.tracing import without_tracer

pytestmark = pytest.mark.usefixtures("untraced")

ROOT = Path(__file__).parents[2]
ALL = {f"I{number}" for number in range(1, 26)} - {"I4"}  # in memory nothing waits
ALL |= {"L13", "L14", "L16", "V1", "many at once", "one by one"}
FAULTS = {
    *FATES,
    *("arrived late", "partition", "server died", "tablet died", "database gave up", "disk full", "server disk full"),
    *("server restored", "schema upgrade", "op of an older app", "clock jump", "clock years off", "row corrupted"),
    *("two tablets at one record", "open transaction", "moved A-B-A", "scope changed", "device revoked", "purge"),
    *("stream cut", "stream broken off", "bundle sealed", "bundle taken", "bundle refused", "receipt brought back"),
}
OFTEN = 20  # a fault that hardly ever comes proves hardly anything


@pytest.fixture(scope="module")
def two_thousand() -> Summary:
    with without_tracer():
        return Campaign().over(range(2_000))


@pytest.mark.slow
def test_two_thousand_seeds_hold_every_invariant(two_thousand: Summary) -> None:
    assert two_thousand.failures == [], two_thousand.line()
    assert ALL - set(two_thousand.tally.checks) == set()


@pytest.mark.slow
def test_every_fault_comes_often_in_them(two_thousand: Summary) -> None:
    seldom = {fault: two_thousand.tally.faults[fault] for fault in FAULTS if two_thousand.tally.faults[fault] < OFTEN}
    assert seldom == {}, two_thousand.line()


@pytest.mark.slow
def test_server_and_tablet_die_at_every_step_there_is(two_thousand: Summary) -> None:
    deadly = Campaign(forced={"steps": 70, "stress": "crashes", "crashes": 0.3, "weather": {}}).over(range(120))
    assert deadly.failures == [], deadly.line()
    passed, died = set[str](), set[str]()
    for tally in (two_thousand.tally, deadly.tally):
        passed |= tally.passed
        died |= set(tally.crashes)
    assert {"server: commit", "server: answer", "tablet: keeps", "tablet: has kept"} <= passed
    assert passed - died == set(), two_thousand.line()


@pytest.mark.slow
def test_postgresql_and_the_real_routes_hold_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--store", "postgres", "--start", "1", "--seeds", "12"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("store=postgres seeds=12 ")
    assert "I4 " in told
    assert "many at once " in told
    assert "one by one " in told


@pytest.mark.slow
def test_a_bug_found_over_postgresql_is_found_again(sync_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tracker, "leave", lambda self, transaction: self._at_savepoint.pop(transaction, None))
    engine = simulation_engine(sync_engine.url.render_as_string(hide_password=False))
    forced = {"steps": 24, "at_once": False, "weather": {}, "stress": "none"}
    campaign = Campaign(lambda parts: PostgresHouse(engine, parts), store="postgres", forced=forced)
    try:
        found = campaign.over(range(5, 6))
    finally:
        drop_schema(engine)
    assert [failure.invariant for failure in found.failures] == ["T1"], (
        "a savepoint that fell took its neighbours along"
    )


def test_a_seed_is_the_same_run_every_time() -> None:
    first, second = Tally(), Tally()
    truths = [Campaign().run(7, tally) for tally in (first, second)]
    assert truths[0] == truths[1]
    assert first == second


def test_a_seed_is_the_same_run_in_other_processes(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "mobile_sync", "simulate", "--seeds", "5", "--start", "40"]
    told = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "1"}, check=True, capture_output=True, text=True
    ).stdout
    assert main([*command[3:], "--workers", "2"]) == 0
    beside = capsys.readouterr()
    assert told.partition("ops=")[2] == beside.out.partition("ops=")[2]
    assert told.endswith("failures=[none]\n")
    assert beside.err.startswith("5 seeds in ")


def test_a_run_can_be_read_step_by_step() -> None:
    trace = Campaign().traced(5)
    assert trace[0].startswith("1. ")
    assert any(" POST push " in line for line in trace)
