"""The day board: whose lanes and visits a day shows, and what reading it costs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crews.models import Crew, Shift
from app.dispatch.board import BarOut, DayBoard, LaneOut, day_board
from app.identity.models import Branch, Person, Role
from app.jobs.models import Assignment, Job, JobKind
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.staff.models import Skill
from tests.dispatch.visits import CARE, book, booked, hours, step
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import NOON, counted_queries, given_crew, given_job

BOARD = "/api/v1/board"


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
