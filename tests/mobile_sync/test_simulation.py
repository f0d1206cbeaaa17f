"""The simulation itself: two thousand seeds in memory, some over PostgreSQL, and each seed that ever found a bug.

A seed means the same run as long as the simulation is the same: the named ones below tell what was found, and the test
of the rule that was broken then stands beside the other tests of that rule.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mobile_sync.__main__ import main
from mobile_sync.simulation.campaign import Campaign
from mobile_sync.simulation.faults import Tally
from mobile_sync.simulation.network import FATES

pytestmark = pytest.mark.usefixtures("untraced")

ROOT = Path(__file__).parents[2]
ALL = {f"I{number}" for number in range(1, 26)} - {"I4"}  # in memory nothing can wait for anything


@pytest.mark.slow
def test_two_thousand_seeds_hold_every_invariant() -> None:
    summary = Campaign().over(range(2_000))
    assert summary.failures == [], summary.line()
    assert set(summary.tally.checks) >= ALL, f"never checked: {sorted(ALL - set(summary.tally.checks))}"
    assert set(summary.tally.faults) >= {*FATES, "server died", "tablet died", "server restored", "schema upgrade"}


@pytest.mark.slow
def test_postgresql_and_the_real_routes_hold_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--store", "postgres", "--start", "1", "--seeds", "12"]) == 0
    assert capsys.readouterr().out.startswith("store=postgres seeds=12 ")


def test_a_seed_is_the_same_run_every_time() -> None:
    first, second = Tally(), Tally()
    truths = [Campaign().run(7, tally) for tally in (first, second)]
    assert truths[0] == truths[1]
    assert first == second


def test_a_seed_is_the_same_run_in_another_process() -> None:
    command = [sys.executable, "-m", "mobile_sync", "simulate", "--seeds", "5", "--start", "40"]
    lines = {
        subprocess.run(  # noqa: S603
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": salt}, check=True, capture_output=True, text=True
        ).stdout.partition("ops=")[2]
        for salt in ("1", "2")
    }
    assert len(lines) == 1
    assert lines.pop().endswith("failures=[none]\n")


def test_a_run_can_be_read_step_by_step() -> None:
    trace = Campaign().traced(5)
    assert trace[0].startswith("1. ")
    assert any(" POST push " in line for line in trace)
