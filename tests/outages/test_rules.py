"""When two calls are about one fault, what they ask for, and where an outage stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.customers.models import AreaKind
from app.demands.models import Symptom
from app.jobs.models import JobKind, JobState, Priority
from app.network.models import Commodity
from app.outages.models import OutageState
from app.outages.rules import (
    SAME_FAULT_RADIUS_M,
    SAME_FAULT_WITHIN,
    Candidate,
    arrive_by,
    priority_of,
    same_fault,
    state_after,
    work_for,
)
from app.staff.models import Skill

NOW = datetime(2026, 7, 16, tzinfo=UTC)
DEVICE, OTHER_DEVICE = UUID(int=1), UUID(int=2)


def outage(number: int, away_m: float = 100.0, *, node_id: UUID | None = None, **fields: object) -> Candidate:
    known: dict[str, object] = {"commodity": Commodity.POWER, "opened_at": NOW - timedelta(hours=1), **fields}
    return Candidate(outage_id=UUID(int=number), away_m=away_m, node_id=node_id, **known)  # type: ignore[arg-type]


def found(*candidates: Candidate, node_id: UUID | None = None) -> int | None:
    match = same_fault(candidates, commodity=Commodity.POWER, node_id=node_id, now=NOW)
    return None if match is None else match.int


def test_the_nearest_open_outage_is_joined() -> None:
    assert found(outage(7, 250), outage(8, 40)) == 8


def test_the_same_transformer_counts_more_than_nearness() -> None:
    assert found(outage(7, 900, node_id=DEVICE), outage(8, 40, node_id=OTHER_DEVICE), node_id=DEVICE) == 7


def test_an_unknown_device_is_no_device_in_common() -> None:
    assert found(outage(7, 900), node_id=None) is None


@pytest.mark.parametrize(
    "candidate",
    [
        pytest.param(outage(7, SAME_FAULT_RADIUS_M + 1), id="too far"),
        pytest.param(outage(7, commodity=Commodity.GAS), id="the other network"),
        pytest.param(outage(7, opened_at=NOW - SAME_FAULT_WITHIN - timedelta(seconds=1)), id="too long ago"),
    ],
)
def test_what_is_not_alike_is_a_new_outage(candidate: Candidate) -> None:
    assert found(candidate) is None


outages = st.builds(
    outage,
    st.integers(1, 50),
    st.floats(0, 1000),
    node_id=st.none() | st.sampled_from([DEVICE, OTHER_DEVICE]),
    commodity=st.sampled_from(Commodity),
    opened_at=st.integers(0, 48).map(lambda hours: NOW - timedelta(hours=hours)),
)


@given(st.lists(outages, max_size=8), st.none() | st.just(DEVICE), st.randoms(use_true_random=False))
def test_the_order_in_which_outages_are_found_does_not_matter(
    candidates: list[Candidate], node_id: UUID | None, shuffler: object
) -> None:
    first = found(*candidates, node_id=node_id)
    shuffler.shuffle(candidates)  # type: ignore[attr-defined]
    assert found(*candidates, node_id=node_id) == first


@pytest.mark.parametrize(
    ("symptom", "kind", "priority", "skill"),
    [
        pytest.param(Symptom.NO_SUPPLY, JobKind.OUTAGE_REPAIR, Priority.URGENT, Skill.LOW_VOLTAGE, id="dark"),
        pytest.param(Symptom.WIRE_DOWN, JobKind.OUTAGE_REPAIR, Priority.EMERGENCY, Skill.HIGH_VOLTAGE, id="wire down"),
        pytest.param(Symptom.FLICKER, JobKind.OUTAGE_REPAIR, Priority.NORMAL, Skill.LOW_VOLTAGE, id="flicker"),
    ],
)
def test_a_symptom_says_what_job_it_is(symptom: Symptom, kind: JobKind, priority: Priority, skill: Skill) -> None:
    work = work_for(symptom, Commodity.POWER)
    assert (work.kind, work.priority, work.skill) == (kind, priority, skill)


def test_a_smell_of_gas_is_an_emergency_leak() -> None:
    work = work_for(Symptom.GAS_SMELL, Commodity.GAS)
    assert (work.kind, work.priority, work.skill) == (JobKind.GAS_LEAK, Priority.EMERGENCY, Skill.GAS_PIPE)
    assert priority_of(Symptom.NO_GAS) is Priority.URGENT


def test_arrival_is_promised_by_the_kind_of_area() -> None:
    promised = {area: arrive_by(Commodity.POWER, area, NOW) for area in AreaKind}
    assert promised == {
        AreaKind.CITY: NOW + timedelta(minutes=45),
        AreaKind.RURAL: NOW + timedelta(minutes=90),
        AreaKind.REMOTE: NOW + timedelta(minutes=120),
    }
    assert arrive_by(Commodity.GAS, AreaKind.CITY, NOW) == NOW + timedelta(minutes=30)
    assert arrive_by(Commodity.GAS, None, NOW) is None


@pytest.mark.parametrize(
    ("jobs", "state"),
    [
        pytest.param([], OutageState.OPEN, id="no job yet"),
        pytest.param([JobState.WORKING], OutageState.OPEN, id="work goes on"),
        pytest.param([JobState.RESTORED, JobState.EN_ROUTE], OutageState.OPEN, id="one of two restored"),
        pytest.param([JobState.RESTORED, JobState.COMPLETED], OutageState.RESTORED, id="all restored"),
        pytest.param([JobState.COMPLETED, JobState.CANCELLED], OutageState.CLOSED, id="all done that counted"),
        pytest.param([JobState.CANCELLED], OutageState.CLOSED, id="a false alarm"),
    ],
)
def test_an_outage_stands_where_its_jobs_stand(jobs: list[JobState], state: OutageState) -> None:
    assert state_after(jobs) is state
