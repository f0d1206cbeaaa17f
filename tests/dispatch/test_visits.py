"""Visits booked on the day board, moved and taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.dispatch import service
from app.identity.models import Branch, Person, Role
from app.jobs.errors import VisitOverlap
from app.jobs.models import Assignment, Job, JobEvent, JobKind, JobState
from app.kernel.ids import new_id
from app.kernel.problems import Problem
from app.kernel.unit_of_work import Runtime
from app.staff.models import Grade, Skill
from tests.dispatch.visits import CARE, book, booked, hours, move, state_of, step
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import NOON, counted_queries, given_crew, given_forms, given_job, given_skill

BOARD = "/api/v1/board"


def test_a_job_is_booked_moved_and_taken_back(
    runtime: Runtime, session: Session, branch: Branch, desk: Client, crew: Crew, other: Crew
) -> None:
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    first = book(desk, job, crew)
    assert (first.status_code, first.get_json()["live"]) == (201, False)
    assert {reason["code"] for reason in first.get_json()["reasons"]} == {"skill", "on_duty"}
    before = session.get_one(Job, job.id, populate_existing=True).rev
    moved = move(desk, first.get_json()["id"], other, 3, 4.5)
    assert (moved.status_code, moved.get_json()["crew_id"]) == (200, str(other.id))
    assert datetime.fromisoformat(moved.get_json()["planned_end"]) == hours(4.5)
    after = session.get_one(Job, job.id, populate_existing=True)
    assert (after.state, after.rev) == (JobState.PLANNED, before + 1), "tablets and screens are told of a move"
    back = desk.post(f"/api/v1/assignments/{moved.get_json()['id']}/withdraw", json={})
    assert (back.status_code, state_of(session, job.id)) == (200, JobState.NEW)
    kinds = session.scalars(select(JobEvent.kind).where(JobEvent.job_id == job.id).order_by(JobEvent.id)).all()
    assert list(kinds) == ["opened", "planned", "moved", "withdrawn"]


def test_a_visit_may_move_within_its_own_time(runtime: Runtime, branch: Branch, desk: Client, crew: Crew) -> None:
    visit = booked(desk, runtime, branch, crew, 1, 3)
    assert move(desk, visit, crew, 2, 4).status_code == 200


def test_visits_may_touch(runtime: Runtime, branch: Branch, desk: Client, crew: Crew) -> None:
    visits = {booked(desk, runtime, branch, crew, start, start + 1) for start in (1, 2)}
    shown = {bar["id"] for bar in desk.get(BOARD).get_json()["bars"]}
    assert visits <= shown


@pytest.mark.parametrize("verb", ["book", "move"])
def test_a_crew_is_not_in_two_places_at_once(
    runtime: Runtime, session: Session, branch: Branch, desk: Client, crew: Crew, other: Crew, verb: str
) -> None:
    booked(desk, runtime, branch, crew, 1, 3)
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    if verb == "book":
        refused, state = book(desk, job, crew, 2, 4), JobState.NEW
    else:
        refused, state = move(desk, book(desk, job, other, 2, 4).get_json()["id"], crew, 2, 4), JobState.PLANNED
    problem = refused.get_json()
    assert (refused.status_code, problem["code"]) == (409, "visit-overlap")
    assert datetime.fromisoformat(problem["params"]["planned_end"]) == hours(3)
    assert state_of(session, job.id) is state


def test_a_crew_of_another_branch_is_unknown(runtime: Runtime, session: Session, branch: Branch, desk: Client) -> None:
    stranger, _ = given_crew(session, given_branch(session, "XX", centre=(110.0, 30.0)), "X1", skills=CARE)
    refused = book(desk, given_job(runtime, branch, JobKind.CARE_VISIT), stranger)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "unknown-crew")


def test_the_skill_must_hold_on_the_day_of_the_visit(
    runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    lapsing, person = given_crew(session, branch, "R7", skills=[])
    session.add(given_skill(person, Skill.CARE, Grade.SENIOR, until=hours(3)))
    session.commit()
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    late = book(desk, job, lapsing, 4, 5)
    assert (late.status_code, late.get_json()["code"]) == (409, "crew-not-qualified")
    assert late.get_json()["params"]["reason"] == "skill_expired"
    assert book(desk, job, lapsing, 1, 2).status_code == 201


@pytest.mark.parametrize(
    ("start", "end"), [(7.5, 8.5), (9, 10), (30, 31)], ids=["ends after the shift", "after it", "on another day"]
)
def test_a_visit_lies_within_a_shift(
    runtime: Runtime, session: Session, branch: Branch, desk: Client, crew: Crew, start: float, end: float
) -> None:
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    refused = book(desk, job, crew, start, end)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "outside-shift")
    assert state_of(session, job.id) is JobState.NEW


@pytest.mark.parametrize(
    ("start", "end", "field", "reason"),
    [
        (2, 2, "planned_end", "not_after_start"),
        (3, 2, "planned_end", "not_after_start"),
        (-0.9, -0.1, "planned_end", "in_past"),
        (24 * 500, 24 * 500 + 1, "planned_start", "out_of_range"),
    ],
)
def test_times_that_cannot_be_are_refused(
    runtime: Runtime, branch: Branch, desk: Client, crew: Crew, start: float, end: float, field: str, reason: str
) -> None:
    refused = book(desk, given_job(runtime, branch, JobKind.CARE_VISIT), crew, start, end)
    assert refused.status_code == 422
    assert [(error["field"], error["reason"]) for error in refused.get_json()["errors"]] == [(field, reason)]


def test_a_job_that_has_a_crew_is_not_booked_again(
    runtime: Runtime, branch: Branch, desk: Client, crew: Crew, other: Crew
) -> None:
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    assert book(desk, job, crew).status_code == 201
    again = book(desk, job, other)
    assert (again.status_code, again.get_json()["code"]) == (409, "wrong-transition")


def test_of_two_who_move_a_visit_the_second_is_told(
    runtime: Runtime, branch: Branch, desk: Client, crew: Crew, other: Crew
) -> None:
    visit = booked(desk, runtime, branch, crew)
    assert move(desk, visit, other, 3, 4).status_code == 200
    second = move(desk, visit, crew, 5, 6)
    assert (second.status_code, second.get_json()["code"]) == (409, "visit-gone")


def test_a_visit_that_has_begun_is_not_moved(
    runtime: Runtime, branch: Branch, dispatcher: Person, desk: Client, crew: Crew
) -> None:
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    visit = book(desk, job, crew).get_json()["id"]
    step(runtime, dispatcher, job, "accepted")
    refused = move(desk, visit, crew, 3, 4)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "visit-gone")


def test_only_dispatchers_book_and_move(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, desk: Client, crew: Crew
) -> None:
    hotline = signed_in(app, given_person(session, branch, "mali", [Role.HOTLINE]))
    visit = booked(desk, runtime, branch, crew)
    assert book(hotline, given_job(runtime, branch, JobKind.CARE_VISIT), crew, 3, 4).status_code == 403
    assert move(hotline, visit, crew, 3, 4).status_code == 403


def test_booking_and_moving_take_at_most_twelve_queries(
    runtime: Runtime, branch: Branch, dispatcher: Person, desk: Client, crew: Crew, other: Crew
) -> None:
    booked(desk, runtime, branch, other, 5, 6)
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    times = {"planned_start": hours(1), "planned_end": hours(2)}
    with acting(runtime, dispatcher) as uow, counted_queries(runtime) as sent:
        visit = service.book_visit(uow, job_id=job.id, crew_id=crew.id, **times)
        assert len(sent) <= 12, sent
    with acting(runtime, dispatcher) as uow, counted_queries(runtime) as sent:
        service.move_visit(uow, assignment_id=visit.id, crew_id=other.id, **times)
        assert len(sent) <= 12, sent


def test_the_database_itself_keeps_visits_apart(
    runtime: Runtime, session: Session, branch: Branch, desk: Client, crew: Crew
) -> None:
    booked(desk, runtime, branch, crew, 1, 3)
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    with pytest.raises(VisitOverlap), runtime.unit_of_work() as uow:
        uow.session.add(
            Assignment(
                id=new_id(), branch_id=branch.id, job_id=job.id, crew_id=crew.id, live=False, assigned_at=NOON,
                planned_start=hours(2), planned_end=hours(4),
            )
        )  # fmt: skip
    with pytest.raises(IntegrityError), session.begin_nested():
        session.add(
            Assignment(
                id=new_id(), branch_id=branch.id, job_id=job.id, crew_id=crew.id, live=False, assigned_at=NOON,
                planned_start=hours(5), planned_end=hours(5),
            )
        )  # fmt: skip


def test_two_dispatchers_in_one_instant_book_a_crew_once(committed_runtime: Runtime) -> None:
    runtime = committed_runtime
    with runtime.sessions() as session:
        given_forms(session)
        branch = given_branch(session)
        dispatchers = [given_person(session, branch, f"d{number}", [Role.DISPATCHER]) for number in range(2)]
        crew, _ = given_crew(session, branch, skills=CARE)
    jobs = [given_job(runtime, branch, JobKind.CARE_VISIT) for _ in range(2)]
    start = Barrier(2)

    def attempt(number: int) -> type[Problem] | None:
        start.wait()
        try:
            with acting(runtime, dispatchers[number]) as uow:
                service.book_visit(
                    uow, job_id=jobs[number].id, crew_id=crew.id, planned_start=hours(1), planned_end=hours(2)
                )
        except Problem as refused:
            return type(refused)
        return None

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, range(2)))
    assert sorted(outcomes, key=str) == sorted([None, VisitOverlap], key=str)
