"""Tomorrow's plan: asked for, made, read as a diff, taken whole or in part, under the rules of the day it meets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crews.models import Crew, Shift
from app.identity.models import AuditEntry, Branch
from app.jobs.models import Assignment, Job, JobKind, JobState
from app.kernel import tasks
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.planning import making
from app.planning.models import Change, Plan, PlanStop
from app.solver.packed import digest
from app.staff.models import Grade, Skill
from tests.factories import Client
from tests.factories_field import NOON, at_m, given_crew, given_job, given_skill

TOMORROW = "2026-07-17"  # the frozen clock stands at 08:00 in Shanghai on the 16th


def at(hour: float) -> Any:
    """An hour of tomorrow, in Shanghai."""
    return NOON + timedelta(days=1, hours=hour - 8)


def asked(desk: Client, branch: Branch, **body: Any) -> Any:
    return desk.post("/api/v1/plans", json={"branch_id": str(branch.id), "day": TOMORROW, "seconds": 5, **body})


def planned(desk: Client, runtime: Runtime, branch: Branch) -> dict[str, Any]:
    answer = asked(desk, branch)
    assert answer.status_code == 201, answer.text
    tasks.drain(runtime)
    return opened(desk, answer.get_json()["id"])


def opened(desk: Client, plan_id: str) -> dict[str, Any]:
    answer = desk.get(f"/api/v1/plans/{plan_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def accepted(desk: Client, plan: dict[str, Any], *jobs: Job) -> dict[str, dict[str, Any]]:
    body = {"job_ids": [str(job.id) for job in jobs]} if jobs else {}
    answer = desk.post(f"/api/v1/plans/{plan['id']}/accept", json=body)
    assert answer.status_code == 200, answer.text
    return {line["job_id"]: line for line in answer.get_json()["lines"]}


def visit(desk: Client, job: Job, crew: Crew, hour: float) -> str:
    span = {"planned_start": at(hour).isoformat(), "planned_end": at(hour + 1).isoformat()}
    answer = desk.post(f"/api/v1/jobs/{job.id}/visits", json={"crew_id": str(crew.id), **span})
    assert answer.status_code == 201, answer.text
    booked: str = answer.get_json()["id"]
    return booked


def bookings(session: Session) -> set[tuple[Any, Any]]:
    rows = select(Assignment.job_id, Assignment.crew_id).where(Assignment.ended_at.is_(None))
    return {(row.job_id, row.crew_id) for row in session.execute(rows)}


def test_a_plan_proposes_and_changes_nothing_until_it_is_accepted(
    desk: Client, runtime: Runtime, session: Session, branch: Branch, crew: Crew
) -> None:
    near, far = (given_job(runtime, branch, JobKind.INSPECTION, place=at_m(east)) for east in (300.0, 900.0))
    plan = planned(desk, runtime, branch)
    assert (plan["state"], plan["left_out"], plan["crews"], plan["visits"]) == ("proposed", 0, 1, 2)
    assert {line["change"] for line in plan["lines"]} == {"new"}
    assert bookings(session) == set()
    lines = accepted(desk, plan)
    assert {line["outcome"] for line in lines.values()} == {"booked"}
    assert bookings(session) == {(near.id, crew.id), (far.id, crew.id)}
    assert session.get_one(Job, near.id, populate_existing=True).state is JobState.PLANNED
    trail = session.scalars(select(AuditEntry.action).where(AuditEntry.entity == "plan").order_by(AuditEntry.id))
    assert list(trail) == ["plan_asked", "plan_accepted"]


def test_a_part_of_a_plan_can_be_taken_and_the_rest_later(
    desk: Client, runtime: Runtime, session: Session, branch: Branch, crew: Crew
) -> None:
    one, two = (given_job(runtime, branch, JobKind.INSPECTION, place=at_m(east)) for east in (300.0, 900.0))
    plan = planned(desk, runtime, branch)
    lines = accepted(desk, plan, one)
    assert (lines[str(one.id)]["outcome"], lines[str(two.id)]["outcome"]) == ("booked", None)
    assert bookings(session) == {(one.id, crew.id)}
    assert {line["outcome"] for line in accepted(desk, plan).values()} == {"booked"}
    assert len(bookings(session)) == 2


def test_what_nobody_may_do_is_refused_with_the_reason(
    desk: Client, runtime: Runtime, session: Session, branch: Branch
) -> None:
    assert planned(desk, runtime, branch)["lines"] == []
    care = given_job(runtime, branch, JobKind.CARE_VISIT)
    assert planned(desk, runtime, branch)["lines"][0]["reason"]["code"] == "no_crews"
    crew, person = given_crew(session, branch, "P1", skills=[Skill.INSPECTION], place=at_m())
    session.add(given_skill(person, Skill.CARE, Grade.SENIOR, until=at(0)))  # it ends before the day begins
    session.add(Shift(id=new_id(), branch_id=branch.id, crew_id=crew.id, starts_at=at(8), ends_at=at(17)))
    session.commit()
    gas = given_job(runtime, branch, JobKind.GAS_IGNITION, required_skill=Skill.GAS_IGNITION)
    late = given_job(runtime, branch, JobKind.INSPECTION, window=(at(20), at(22)))
    plan = planned(desk, runtime, branch)
    reasons = {line["job_id"]: line["reason"] for line in plan["lines"]}
    assert {line["change"] for line in plan["lines"]} == {"refused"}
    assert reasons[str(gas.id)]["code"] == "no_skill"
    assert reasons[str(care.id)]["code"] == "no_skill"
    assert reasons[str(late.id)]["code"] == "no_shift"


@pytest.mark.usefixtures("other")
def test_what_was_promised_is_kept_and_what_is_booked_stays_near(
    desk: Client, runtime: Runtime, branch: Branch, crew: Crew
) -> None:
    promised = given_job(runtime, branch, JobKind.INSPECTION, window=(at(14), at(15)))
    booked = given_job(runtime, branch, JobKind.INSPECTION)
    visit(desk, booked, crew, 10)
    plan = planned(desk, runtime, branch)
    by_job = {line["job_id"]: line for line in plan["lines"]}
    assert at(14).isoformat() <= by_job[str(promised.id)]["planned_start"] <= at(15).isoformat()
    told = by_job[str(booked.id)]
    assert told["change"] in ("kept", "moved")
    assert told["crew_before"]["code"] == "P1"
    assert at(9).isoformat() <= told["planned_start"] <= at(11).isoformat()


def test_a_plan_accepted_after_the_day_has_moved_on_books_the_rest_and_says_what_no_longer_fits(
    desk: Client, runtime: Runtime, session: Session, branch: Branch, crew: Crew, other: Crew
) -> None:
    gone = given_job(runtime, branch, JobKind.INSPECTION, window=(at(9), at(10)))
    blocked, fits = (given_job(runtime, branch, JobKind.INSPECTION, window=(at(h), at(h + 1))) for h in (13, 15))
    plan = planned(desk, runtime, branch)
    lines = {line["job_id"]: line for line in plan["lines"]}
    crews = {str(one.id): one for one in (crew, other)}
    desk.post(f"/api/v1/jobs/{gone.id}/transitions", json={"to": "cancelled", "reason": "moved away"})
    urgent = given_job(runtime, branch, JobKind.INSPECTION)
    hour = (NOON.fromisoformat(lines[str(blocked.id)]["planned_start"]) - at(0)) / timedelta(hours=1)
    visit(desk, urgent, crews[lines[str(blocked.id)]["crew"]["id"]], hour + 0.5)
    after = accepted(desk, plan)
    assert after[str(gone.id)]["problem"]["code"] == "wrong-transition"
    assert after[str(blocked.id)]["problem"]["code"] == "visit-overlap"
    assert set(after[str(blocked.id)]["problem"]["title"]) == {"zh-CN", "en"}
    assert [after[str(job.id)]["outcome"] for job in (gone, blocked)] == ["misfit"] * 2
    assert after[str(fits.id)]["outcome"] == "booked"
    assert {job for job, _ in bookings(session)} == {urgent.id, fits.id}
    assert session.get_one(Job, blocked.id, populate_existing=True).state is JobState.NEW


def test_two_visits_that_change_places_are_booked_together(
    desk: Client, runtime: Runtime, session: Session, branch: Branch, crew: Crew, other: Crew
) -> None:
    first, second = (given_job(runtime, branch, JobKind.INSPECTION) for _ in range(2))
    visit(desk, first, crew, 10)
    visit(desk, second, other, 10)
    plan = planned(desk, runtime, branch)
    swap(session, plan["id"], {first.id: other.id, second.id: crew.id})
    after = accepted(desk, plan)
    assert {line["outcome"] for line in after.values()} == {"booked"}, after
    assert bookings(session) == {(first.id, other.id), (second.id, crew.id)}


def swap(session: Session, plan_id: str, crews: dict[Any, Any]) -> None:
    """A proposal that lets two crews change places, whatever the solver thought of it."""
    for line in session.scalars(select(PlanStop).where(PlanStop.plan_id == plan_id)):
        line.change, line.crew_id = Change.MOVED, crews[line.job_id]
        line.planned_start, line.planned_end = at(10), at(11)
    session.commit()


@pytest.mark.usefixtures("crew")
def test_a_plan_can_be_stopped_before_it_is_made_and_only_one_is_made_at_a_time(
    desk: Client, runtime: Runtime, branch: Branch
) -> None:
    plan = asked(desk, branch).get_json()
    assert asked(desk, branch).get_json()["code"] == "plan-under-way"
    assert desk.post(f"/api/v1/plans/{plan['id']}/accept", json={}).get_json()["code"] == "plan-not-ready"
    assert desk.post(f"/api/v1/plans/{plan['id']}/stop", json={}).get_json()["state"] == "cancelled"
    tasks.drain(runtime)
    assert opened(desk, plan["id"])["lines"] == []
    assert desk.post(f"/api/v1/plans/{plan['id']}/stop", json={}).get_json()["code"] == "plan-over"
    assert asked(desk, branch).status_code == 201


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"day": "2026-07-15"}, "day", "in_past"),
        ({"day": "2029-01-01"}, "day", "out_of_range"),
        ({"seconds": 1}, "seconds", "out_of_range"),
        ({"day": "tomorrow"}, "day", "invalid"),
    ],
)
def test_a_day_that_cannot_be_planned_is_refused(
    desk: Client, branch: Branch, body: dict[str, Any], field: str, reason: str
) -> None:
    answer = asked(desk, branch, **body)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert (error["field"], error["reason"]) == (field, reason)


@pytest.mark.usefixtures("crew", "other")
def test_the_same_row_gives_the_same_plan(desk: Client, runtime: Runtime, branch: Branch) -> None:
    for east in range(0, 2_000, 500):
        given_job(runtime, branch, JobKind.METERING, place=at_m(float(east)))
    made = planned(desk, runtime, branch)
    with runtime.unit_of_work() as uow:
        row = uow.session.scalars(select(Plan)).one()
        assert digest(row.inputs or b"") == row.input_hash == made["input_hash"]
        again = making.repeat(uow, row)
        starts = sorted(stop.start for _, stop in again.stops())
    told = sorted(line["planned_start"] for line in made["lines"])
    assert [at(0) + timedelta(seconds=start) for start in starts] == [NOON.fromisoformat(start) for start in told]
