"""Who should go to an urgent job, what that does to the day, and sending it all at once or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch
from app.jobs.models import Job, JobKind, JobState, Priority
from app.kernel.unit_of_work import Runtime
from tests.dispatch.visits import CARE, book, hours, move, state_of
from tests.factories import Client
from tests.factories_field import NOON, at_m, given_crew, given_job


@pytest.fixture
def near(session: Session, branch: Branch) -> Crew:
    return given_crew(session, branch, "NEAR", place=at_m(200, 0), skills=CARE)[0]


@pytest.fixture
def far(session: Session, branch: Branch) -> Crew:
    return given_crew(session, branch, "FAR", place=at_m(6000, 0), skills=CARE)[0]


@pytest.fixture
def urgent(runtime: Runtime, branch: Branch) -> Job:
    return given_job(runtime, branch, priority=Priority.EMERGENCY, due_at=NOON + timedelta(minutes=10))


def proposed(desk: Client, job: Job) -> dict[str, Any]:
    answer = desk.get(f"/api/v1/jobs/{job.id}/proposal")
    assert answer.status_code == 200, answer.text
    decision: dict[str, Any] = answer.get_json()["decision"]
    return decision


def accepted(desk: Client, job: Job, made: dict[str, Any]) -> Any:
    names = ("assignment_id", "planned_start", "planned_end")
    moves = [{**{name: one[name] for name in names}, "crew_id": one["crew"]["id"]} for one in made["moves"]]
    body = {"crew_id": made["crew"]["id"], "planned_start": made["planned_start"], "moves": moves}
    dropped = [one["assignment_id"] for one in made["dropped"]]
    return desk.post(f"/api/v1/jobs/{job.id}/proposal", json={**body, "dropped": dropped})


def care(runtime: Runtime, branch: Branch, desk: Client, crew: Crew) -> Job:
    """A visit of an hour at the crew's own place, promised for the coming hours."""
    window = (hours(0.5), hours(6))
    job = given_job(runtime, branch, JobKind.CARE_VISIT, place=at_m(200, 0), window=window, priority=Priority.NORMAL)
    assert book(desk, job, crew, 0.75, 1.75).status_code == 201
    return job


@pytest.mark.usefixtures("far")
def test_the_near_crew_goes_and_the_other_says_why_not(desk: Client, session: Session, urgent: Job, near: Crew) -> None:
    made = proposed(desk, urgent)
    assert (made["crew"]["code"], made["in_time"], made["planned_start"]) == ("NEAR", True, None)
    assert (made["moves"], made["dropped"]) == ([], [])
    assert [(one["crew"]["code"], one["why"]) for one in made["rivals"]] == [("FAR", "late")]
    assert accepted(desk, urgent, made).status_code == 201
    assert state_of(session, urgent.id) is JobState.ASSIGNED
    assert near.code == "NEAR"


def test_what_has_to_move_is_said_and_moves_with_the_sending(
    desk: Client, runtime: Runtime, branch: Branch, urgent: Job, near: Crew
) -> None:
    visit = care(runtime, branch, desk, near)
    made = proposed(desk, urgent)
    (moved,) = made["moves"]
    assert (moved["job_id"], moved["told"], made["crew"]["code"]) == (str(visit.id), True, "NEAR")
    assert moved["planned_start"] > moved["was_start"]
    assert accepted(desk, urgent, made).status_code == 201
    bars = desk.get("/api/v1/board?day=2026-07-16").get_json()["bars"]
    starts = {bar["job_id"]: bar["planned_start"] for bar in bars}
    assert starts[str(visit.id)] == moved["planned_start"]


def test_a_day_that_has_moved_on_refuses_the_whole_and_changes_nothing(
    desk: Client, session: Session, runtime: Runtime, branch: Branch, urgent: Job, near: Crew
) -> None:
    care(runtime, branch, desk, near)
    made = proposed(desk, urgent)
    assert move(desk, made["moves"][0]["assignment_id"], near, 4, 5).status_code == 200
    answer = accepted(desk, urgent, made)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "visit-gone")
    assert state_of(session, urgent.id) is JobState.NEW


def test_where_nobody_can_go_there_is_no_proposal(desk: Client, urgent: Job) -> None:
    assert proposed(desk, urgent) is None
