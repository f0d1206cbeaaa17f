"""Who can be sent, in which order, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crews.models import CrewKind
from app.dispatch.errors import CrewNotQualified, CrewOffDuty
from app.dispatch.rules import Candidate, CrewFacts, Held, Need, Trip, judge, ranked, refusal
from app.jobs.errors import CrewBusy
from app.jobs.models import JobState
from app.kernel.problems import Problem
from app.staff.models import Grade, Skill

NOW = datetime(2026, 7, 16, tzinfo=UTC)
NEED = Need(Skill.LOW_VOLTAGE, NOW + timedelta(minutes=45), NOW)
SOMEWHERE = UUID(int=0)
BUSY = Held(SOMEWHERE, "QX20260716-0007", JobState.WORKING)


def crew(code: str = "R1", **fields: Any) -> CrewFacts:
    """A crew that could go at once."""
    return CrewFacts(
        **{
            "crew_id": uuid5(SOMEWHERE, code),
            "code": code,
            "name_zh": code,
            "name_en": code,
            "kind": CrewKind.OUTAGE_REPAIR,
            "position": (120.0, 30.0),
            "position_at": NOW,
            "duty_until": NOW + timedelta(hours=8),
            "busy_with": None,
            "grade": Grade.INTERMEDIATE,
            "expired": False,
            "next_visit_at": None,
            "next_visit_number": None,
            **fields,
        }
    )


def trip(eta_s: float = 600.0) -> Trip:
    return Trip(distance_m=eta_s * 8, eta_s=eta_s, estimated=False)


def codes(candidate: Candidate) -> dict[str, bool]:
    return {reason.code: reason.good for reason in candidate.reasons}


def test_a_free_qualified_crew_on_duty_can_go() -> None:
    candidate = judge(crew(), trip(), NEED)
    assert candidate.ok
    assert codes(candidate) == {"skill": True, "on_duty": True, "in_time": True}
    assert refusal(candidate) is None


@pytest.mark.parametrize(
    ("fields", "reason", "problem"),
    [
        pytest.param({"duty_until": None}, "off_duty", CrewOffDuty, id="off duty"),
        pytest.param({"grade": None}, "no_skill", CrewNotQualified, id="nobody knows how"),
        pytest.param({"grade": None, "expired": True}, "skill_expired", CrewNotQualified, id="certificate expired"),
        pytest.param({"busy_with": BUSY}, "busy", CrewBusy, id="on another job"),
    ],
)
def test_what_forbids_a_crew_is_said_and_refused(fields: Any, reason: str, problem: type[Problem]) -> None:
    candidate = judge(crew(**fields), trip(), NEED)
    assert not candidate.ok
    assert codes(candidate)[reason] is False
    refused = refusal(candidate)
    assert type(refused) is problem
    assert refused.params["crew"] == "R1"


def test_a_busy_crew_is_named_with_its_job() -> None:
    refused = refusal(judge(crew(busy_with=BUSY), trip(), NEED))
    assert refused is not None
    assert refused.params["job_number"] == "QX20260716-0007"


@pytest.mark.parametrize(
    ("fields", "way", "reason"),
    [
        pytest.param({"position": None, "position_at": None}, None, "no_position", id="never heard from"),
        pytest.param({"position_at": NOW - timedelta(minutes=16)}, trip(), "position_stale", id="heard from long ago"),
        pytest.param({}, Trip(1300.0, 156.0, True), "estimated", id="by the straight line"),
        pytest.param({}, trip(46 * 60), "late", id="too late for the promise"),
        pytest.param({"next_visit_at": NOW + timedelta(minutes=50)}, trip(), "breaks_visit", id="has a visit soon"),
    ],
)
def test_what_speaks_against_a_crew_does_not_forbid_it(fields: Any, way: Trip | None, reason: str) -> None:
    candidate = judge(crew(**fields), way, NEED)
    assert codes(candidate)[reason] is False
    assert candidate.ok


def test_a_visit_late_in_the_day_is_no_obstacle() -> None:
    candidate = judge(crew(next_visit_at=NOW + timedelta(hours=3)), trip(), NEED)
    assert "breaks_visit" not in codes(candidate)


def test_the_first_that_can_go_is_called_nearest() -> None:
    far, near, busy = crew("FAR"), crew("NEAR"), crew("BUSY", busy_with=BUSY)
    order = ranked([judge(far, trip(900), NEED), judge(busy, trip(10), NEED), judge(near, trip(300), NEED)])
    assert [candidate.facts.code for candidate in order] == ["NEAR", "FAR", "BUSY"]
    assert [candidate.facts.code for candidate in order if "nearest" in codes(candidate)] == ["NEAR"]


def test_of_two_as_near_the_better_grade_goes() -> None:
    junior, senior = crew("A", grade=Grade.JUNIOR), crew("B", grade=Grade.SENIOR)
    order = ranked([judge(junior, trip(), NEED), judge(senior, trip(), NEED)])
    assert [candidate.facts.code for candidate in order] == ["B", "A"]


facts = st.builds(
    lambda number, busy, duty, grade, seen: crew(
        f"R{number}",
        busy_with=BUSY if busy else None,
        duty_until=NOW + timedelta(hours=1) if duty else None,
        grade=grade,
        position=(120.0, 30.0) if seen else None,
    ),
    st.integers(0, 999),
    st.booleans(),
    st.booleans(),
    st.none() | st.sampled_from(Grade),
    st.booleans(),
)


@given(st.lists(st.tuples(facts, st.floats(1, 7200)), max_size=30))
def test_no_crew_that_cannot_go_stands_above_one_that_can(crews: list[tuple[CrewFacts, float]]) -> None:
    order = ranked(judge(known, trip(eta) if known.position else None, NEED) for known, eta in crews)
    assert [candidate.ok for candidate in order] == sorted((c.ok for c in order), reverse=True)
    etas = [c.trip.eta_s if c.trip else float("inf") for c in order if c.ok]
    assert etas == sorted(etas)
    assert all(candidate.ok == (refusal(candidate) is None) for candidate in order)
