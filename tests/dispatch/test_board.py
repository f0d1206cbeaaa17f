"""The day board, and the visits that are booked on it, moved and taken back."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.crews.models import Crew, Shift
from app.dispatch import service
from app.dispatch.board import BarOut, DayBoard, LaneOut, day_board
from app.identity.models import Branch, Person, Role
from app.jobs import queries as job_queries
from app.jobs import service as job_service
from app.jobs.errors import VisitOverlap
from app.jobs.models import Assignment, Job, JobEvent, JobKind, JobState
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.problems import Problem
from app.kernel.unit_of_work import Runtime
from app.staff.models import Grade, Skill
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import NOON, counted_queries, given_crew, given_forms, given_job, given_skill

BOARD = "/api/v1/board"
CARE = (Skill.LOW_VOLTAGE, Skill.CARE)


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def dispatcher(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "linxiao", [Role.DISPATCHER])


@pytest.fixture
def desk(app: Flask, dispatcher: Person) -> Client:
    return signed_in(app, dispatcher)


@pytest.fixture
def crew(session: Session, branch: Branch) -> Crew:
    return given_crew(session, branch, "R1", skills=CARE)[0]


@pytest.fixture
def other(session: Session, branch: Branch) -> Crew:
    return given_crew(session, branch, "R2", skills=CARE)[0]


def hours(n: float) -> datetime:
    """So many hours after the frozen clock's start, 08:00 in Shanghai; the crews are on duty from -1 to 8."""
    return NOON + timedelta(hours=n)


def asked(crew: Crew, start: datetime, end: datetime) -> dict[str, Any]:
    return {"crew_id": str(crew.id), "planned_start": start.isoformat(), "planned_end": end.isoformat()}


def book(desk: Client, job: Job, crew: Crew, start: float = 1, end: float = 2) -> Any:
    return desk.post(f"/api/v1/jobs/{job.id}/visits", json=asked(crew, hours(start), hours(end)))


def move(desk: Client, visit: str, crew: Crew, start: float, end: float) -> Any:
    return desk.post(f"/api/v1/assignments/{visit}/move", json=asked(crew, hours(start), hours(end)))


def booked(desk: Client, runtime: Runtime, branch: Branch, crew: Crew, start: float = 1, end: float = 2) -> str:
    answer = book(desk, given_job(runtime, branch, JobKind.CARE_VISIT), crew, start, end)
    assert answer.status_code == 201, answer.text
    visit: str = answer.get_json()["id"]
    return visit


def step(runtime: Runtime, by: Person, job: Job, *states: str) -> None:
    for to in states:
        with acting(runtime, by) as uow:
            held = job_queries.lock_job(uow.session, uow.actor, job.id)
            job_service.transition(uow, job=held, to=to, reason="because" if to == "handed_back" else None)


def state_of(session: Session, job_id: Any) -> JobState:
    return session.get_one(Job, job_id, populate_existing=True).state


def lane_dumped(session: Session, crew: Crew, skills: list[Skill]) -> Any:
    shifts = session.scalars(select(Shift).where(Shift.crew_id == crew.id).order_by(Shift.starts_at)).all()
    lane = {"crew_id": crew.id, "shifts": shifts, "skills": skills}
    names = {name: getattr(crew, name) for name in ("code", "name_zh", "name_en", "kind")}
    return json.loads(json.dumps(LaneOut().dump({**lane, **names})))


def bar_dumped(session: Session, job: Job, started_at: datetime | None) -> Any:
    session.expire_all()
    held = session.scalars(select(Assignment).where(Assignment.job_id == job.id)).one()
    row = session.get_one(Job, job.id)
    both = {name: getattr(row, name, None) for name in BarOut().fields}
    own = ("id", "job_id", "crew_id", "live", "planned_start", "planned_end", "ended_at", "end_reason")
    return json.loads(
        json.dumps(BarOut().dump({**both, **{name: getattr(held, name) for name in own}, "started_at": started_at}))
    )


def test_the_day_made_in_sql_equals_the_schemas_dump(
    runtime: Runtime, session: Session, clock: FrozenClock, branch: Branch, desk: Client, crew: Crew
) -> None:
    other, lead = given_crew(session, branch, "R2", skills=CARE)
    window = (hours(1), hours(3))
    rich = {"address": "龙衡路“8”号\\\n2单元", "window": window, "due_at": hours(5)}
    visit, repair, done = (
        given_job(runtime, branch, JobKind.CARE_VISIT, **rich),
        given_job(runtime, branch),
        given_job(runtime, branch, JobKind.CARE_VISIT),
    )
    assert book(desk, visit, crew).status_code == 201
    assert book(desk, done, other, 0.5, 1).status_code == 201
    clock.tick(minutes=10)
    step(runtime, lead, done, "accepted")
    clock.tick(minutes=10)
    step(runtime, lead, done, "en_route", "arrived", "handed_back")
    assert desk.post(f"/api/v1/jobs/{repair.id}/assignments", json={"crew_id": str(other.id)}).status_code == 201

    body = desk.get(BOARD).get_json()

    assert DayBoard().validate(body) == {}
    assert set(body) == set(DayBoard().fields)
    assert body["lanes"] == [lane_dumped(session, one, sorted(CARE)) for one in (crew, other)]
    accepted_at, sent_at = NOON + timedelta(minutes=10), NOON + timedelta(minutes=20)
    assert body["bars"] == [
        bar_dumped(session, done, accepted_at),
        bar_dumped(session, repair, sent_at),
        bar_dumped(session, visit, None),
    ]
    assert [bar["end_reason"] for bar in body["bars"]] == ["handed_back", None, None]
    assert {name: value for name, value in body.items() if name not in {"lanes", "bars"}} == {
        "branch_id": str(branch.id), "day": "2026-07-16", "timezone": "Asia/Shanghai",
        "starts_at": "2026-07-15T16:00:00+00:00", "ends_at": "2026-07-16T16:00:00+00:00",
        "at": "2026-07-16T00:20:00+00:00", "truncated": False,
    }  # fmt: skip


@pytest.mark.parametrize("crews", [1, 25], ids=["one crew", "twenty-five crews"])
def test_a_day_costs_two_queries_whatever_its_crews_and_visits(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, desk: Client, crews: int
) -> None:
    for number in range(crews):
        booked(desk, runtime, branch, given_crew(session, branch, f"R{number:02d}", skills=CARE)[0])
    with acting(runtime, dispatcher) as uow, counted_queries(runtime) as sent:
        body = json.loads(day_board(uow))
    assert (len(body["lanes"]), len(body["bars"])) == (crews, crews)
    assert len(sent) == 2, sent


def test_a_day_holds_what_touches_it_and_nothing_else(
    app: Flask, runtime: Runtime, session: Session, clock: FrozenClock, branch: Branch, dispatcher: Person, crew: Crew
) -> None:
    desk = signed_in(app, dispatcher)
    night = Shift(id=new_id(), branch_id=branch.id, crew_id=crew.id, starts_at=hours(14), ends_at=hours(20))
    session.add(night)  # 22:00 to 04:00 of the day after
    session.commit()
    visit = booked(desk, runtime, branch, crew, 15, 17)
    repair = given_job(runtime, branch)
    desk.post(f"/api/v1/jobs/{repair.id}/assignments", json={"crew_id": str(crew.id)})

    def day(text: str) -> tuple[set[str], set[str]]:
        found = signed_in(app, dispatcher).get(BOARD, query_string={"day": text}).get_json()
        return {bar["id"] for bar in found["bars"]}, {lane["code"] for lane in found["lanes"]}

    held = str(session.scalars(select(Assignment.id).where(Assignment.job_id == repair.id)).one())
    assert day("2026-07-15") == (set(), set())
    assert day("2026-07-16") == ({visit, held}, {"R1"})
    assert day("2026-07-17") == ({visit}, {"R1"})
    clock.tick(hours=20)
    assert day("2026-07-17") == ({visit, held}, {"R1"}), "a job still under way reaches into today"


def test_a_day_lasts_from_midnight_to_midnight_where_the_branch_is(
    app: Flask, session: Session, branch: Branch, dispatcher: Person
) -> None:
    session.get_one(Branch, branch.id).timezone = "Europe/Berlin"
    session.commit()
    body = signed_in(app, dispatcher).get(f"{BOARD}?day=2026-10-25").get_json()
    assert (body["starts_at"], body["ends_at"]) == ("2026-10-24T22:00:00+00:00", "2026-10-25T23:00:00+00:00")
    assert body["timezone"] == "Europe/Berlin"


def test_one_job_can_be_asked_for_alone(
    runtime: Runtime, branch: Branch, desk: Client, crew: Crew, other: Crew
) -> None:
    booked(desk, runtime, branch, crew)
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    book(desk, job, other)
    body = desk.get(f"{BOARD}?job_id={job.id}").get_json()
    assert [bar["job_id"] for bar in body["bars"]] == [str(job.id)]
    assert [lane["code"] for lane in body["lanes"]] == ["R2"]


def test_a_board_is_its_branchs_own(app: Flask, session: Session, branch: Branch, crew: Crew) -> None:
    assert crew.branch_id == branch.id
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    foreign = signed_in(app, given_person(session, elsewhere, "foreign", [Role.DISPATCHER]))
    member = signed_in(app, given_person(session, branch, "member", [Role.CREW_MEMBER]))
    assert foreign.get(BOARD).get_json()["lanes"] == []
    assert foreign.get(f"{BOARD}?branch_id={branch.id}").status_code == 404
    assert member.get(BOARD).status_code == 403


@pytest.mark.parametrize("query", ["day=yesterday", "day=0001-01-01", "branch_id=7", "when=2026-07-16"])
def test_an_odd_question_is_refused(desk: Client, query: str) -> None:
    answer = desk.get(f"{BOARD}?{query}")
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, query.partition("=")[0])


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
