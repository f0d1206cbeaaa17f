"""A job's clocks at the desk: shown, paused, explained; alerts before and at a breach, taken and handed on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.customers.models import AreaKind
from app.deadlines import alerts
from app.deadlines.models import DeadlineAlert, DeadlineDeviation, DeadlinePause
from app.identity.models import AuditEntry, Branch, Person, Role
from app.jobs.models import Job, JobKind
from app.kernel.actor import SYSTEM
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import given_forms, given_job, given_premises

ARRIVAL = "power.arrival.promise"


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def desk(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch))


@pytest.fixture
def job(runtime: Runtime, session: Session, branch: Branch) -> Job:
    """A repair in town, opened now: 45 minutes are promised."""
    premises = given_premises(session, branch, area_kind=AreaKind.CITY)
    return session.get_one(Job, given_job(runtime, branch, premises_id=premises.id).id)


def watch(runtime: Runtime) -> None:
    with runtime.unit_of_work(SYSTEM) as uow:
        alerts.watch(uow)


def clock_of(desk: Client, job: Job, code: str = ARRIVAL) -> dict[str, Any]:
    answer = desk.get(f"/api/v1/jobs/{job.id}/deadlines")
    assert answer.status_code == 200, answer.text
    return next(one for one in answer.get_json()["clocks"] if one["code"] == code)


def listed(desk: Client, show: str = "open") -> list[dict[str, Any]]:
    answer = desk.get(f"/api/v1/deadlines?show={show}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def arrive(session: Session, job: Job, clock: FrozenClock) -> None:
    job.arrived_at = clock()
    session.commit()


def test_a_job_shows_three_clocks_each_with_its_source(desk: Client, job: Job) -> None:
    found = desk.get(f"/api/v1/jobs/{job.id}/deadlines").get_json()
    assert {one["clock"] for one in found["clocks"]} == {"law", "promise", "expectation"}
    assert found["clocks"][0]["code"] == ARRIVAL
    assert found["clocks"][0]["due_at"] == "2026-07-16T00:45:00+00:00"
    assert all(one["source"] and one["confidence"] for one in found["clocks"])
    assert {one["code"]: one["state"] for one in found["clocks"]}["power.restore.after_arrival"] == "waiting"


def test_clocks_stand_still_while_the_crew_waits_for_the_customer(desk: Client, job: Job, clock: FrozenClock) -> None:
    clock.tick(minutes=20)
    paused = desk.post(f"/api/v1/jobs/{job.id}/deadlines/pause", json={"cause": "customer", "note": "back at six"})
    assert (paused.status_code, paused.get_json()["paused"]) == (200, True)
    clock.tick(minutes=90)
    assert clock_of(desk, job)["state"] == "paused"
    again = desk.post(f"/api/v1/jobs/{job.id}/deadlines/pause", json={"cause": "weather"})
    assert (again.status_code, again.get_json()["code"]) == (409, "clocks-stand-still")
    assert desk.post(f"/api/v1/jobs/{job.id}/deadlines/resume", json={}).status_code == 200
    assert clock_of(desk, job)["due_at"] == "2026-07-16T02:15:00+00:00"
    refused = desk.post(f"/api/v1/jobs/{job.id}/deadlines/resume", json={})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "clocks-run")


def test_a_missed_limit_owes_a_reason_which_is_given_once(
    desk: Client, session: Session, job: Job, clock: FrozenClock
) -> None:
    path = f"/api/v1/jobs/{job.id}/deadlines/{ARRIVAL}/deviation"
    early = desk.post(path, json={"reason": "road closed"})
    assert (early.status_code, early.get_json()["code"]) == (409, "not-missed")
    clock.tick(minutes=50)
    arrive(session, job, clock)
    assert (clock_of(desk, job)["state"], clock_of(desk, job)["owes"]) == ("late", True)
    for reason in ("", "  ", "x" * 501):
        refused = desk.post(path, json={"reason": reason})
        assert {error["field"] for error in refused.get_json()["errors"]} == {"reason"}
    assert desk.post(path, json={"reason": "road closed"}).status_code == 200
    told = clock_of(desk, job)
    assert (told["owes"], told["deviation"]) == (False, "road closed")
    twice = desk.post(path, json={"reason": "flat tyre"})
    assert (twice.status_code, twice.get_json()["code"]) == (409, "already-explained")
    unknown = desk.post(f"/api/v1/jobs/{job.id}/deadlines/no.such/deviation", json={"reason": "x"})
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown-limit")
    deeds = select(AuditEntry.action).where(AuditEntry.entity_id == job.id)
    assert list(session.scalars(deeds)) == ["deviation_explained"]


def test_no_breach_is_silent(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, job: Job, clock: FrozenClock
) -> None:
    desk = signed_in(app, given_person(session, branch))

    def stages(desk: Client) -> dict[str, str]:
        watch(runtime)
        return {row["alert"]["stage"]: row["alert"]["code"] for row in listed(desk) if row["alert"]}

    assert stages(desk) == {}
    clock.tick(minutes=35)
    assert stages(desk) == {"soon": ARRIVAL}
    clock.tick(minutes=11)
    assert stages(desk) == {"missed": ARRIVAL}
    arrive(session, job, clock)
    job.restored_at = job.completed_at = clock()
    session.commit()
    clock.tick(days=40)
    desk = signed_in(app, given_person(session, branch, "later"))
    assert stages(desk) == {"missed": ARRIVAL}, "it stands until somebody says why, whatever became of the job"
    assert desk.post(f"/api/v1/jobs/{job.id}/deadlines/{ARRIVAL}/deviation", json={"reason": "fog"}).status_code == 200
    assert listed(desk, "missed") == []


def test_an_alert_that_nobody_takes_is_passed_on_and_one_that_is_taken_stays(
    app: Flask, desk: Client, runtime: Runtime, session: Session, branch: Branch, job: Job, clock: FrozenClock
) -> None:
    boss = given_person(session, branch, "boss", [Role.MANAGER], name_en="Boss")
    clock.tick(minutes=46)
    watch(runtime)
    roles = []
    for _ in range(4):
        (row,) = listed(desk, "missed")
        roles.append((row["alert"]["role"], row["alert"]["passes_on_at"] is None))
        clock.tick(minutes=2)
        watch(runtime)
    assert roles == [("dispatcher", False), ("team_leader", False), ("manager", True), ("manager", True)]
    assert [person["name_en"] for person in row["alert"]["people"]] == ["Boss"]
    assert row["job"]["id"] == str(job.id)
    path = f"/api/v1/deadline-alerts/{row['alert']['id']}"
    top = desk.post(f"{path}/hand-on", json={})
    assert (top.status_code, top.get_json()["code"]) == (409, "nobody-above")
    assert signed_in(app, boss).post(f"{path}/take", json={}).status_code == 204
    taken = desk.post(f"{path}/take", json={})
    assert (taken.status_code, taken.get_json()["code"]) == (409, "warning-taken")
    assert listed(desk, "missed")[0]["alert"]["taken_by"]["name_en"] == "Boss"


def test_a_taken_alert_can_be_handed_on_until_its_cause_is_gone(
    desk: Client, runtime: Runtime, session: Session, job: Job, clock: FrozenClock
) -> None:
    clock.tick(minutes=36)
    watch(runtime)
    (row,) = listed(desk, "soon")
    path = f"/api/v1/deadline-alerts/{row['alert']['id']}"
    assert desk.post(f"{path}/take", json={}).status_code == 204
    assert listed(desk)[0]["alert"]["passes_on_at"] is None
    assert desk.post(f"{path}/hand-on", json={}).status_code == 204
    (row,) = listed(desk, "soon")
    assert (row["alert"]["role"], row["alert"]["taken_by"]) == ("team_leader", None)
    arrive(session, job, clock)
    over = desk.post(f"{path}/take", json={})
    assert (over.status_code, over.get_json()["code"]) == (409, "warning-over")


def test_the_list_begins_with_what_runs_out_next_in_as_many_queries_for_one_job_as_for_ten(
    desk: Client, runtime: Runtime, branch: Branch, job: Job, clock: FrozenClock
) -> None:
    later = clock.tick(minutes=5)
    listed(desk)  # which moves the login's own end
    with count_queries() as for_one:
        listed(desk)
    for _ in range(9):
        given_job(runtime, branch, JobKind.GAS_LEAK)
    with count_queries() as for_ten:
        found = listed(desk)
    assert for_ten.total == for_one.total
    assert len(found) == 10
    assert [row["job"]["kind"] for row in found].index("outage_repair") == 9  # 00:45, after 00:20 (15 min) of leaks
    assert later + timedelta(minutes=15) < job.opened_at + timedelta(minutes=45)


def test_who_may_only_look_changes_nothing(app: Flask, session: Session, branch: Branch, job: Job) -> None:
    reader: Person = given_person(session, branch, "reader", [Role.MANAGER])
    office = signed_in(app, reader)
    assert clock_of(office, job)["state"] == "running"
    for path in ("pause", "resume", f"{ARRIVAL}/deviation"):
        body = {"cause": "customer"} if path == "pause" else {"reason": "x"} if path != "resume" else {}
        assert office.post(f"/api/v1/jobs/{job.id}/deadlines/{path}", json=body).status_code == 403


@pytest.mark.parametrize(
    ("table", "row", "constraint"),
    [
        (DeadlineDeviation, {"code": "x", "reason": " ", "at": "now()"}, "ck_deadline_deviation_reason"),
        (
            DeadlinePause,
            {"cause": "customer", "began_at": "now()", "ended_at": "-infinity"},
            "ck_deadline_pause_ended_at",
        ),
        (DeadlinePause, {"cause": "lunch", "began_at": "now()"}, "ck_deadline_pause_cause"),
        (DeadlineAlert, {"code": "x", "stage": "soon", "raised_at": "now()", "level": -1}, "ck_deadline_alert_level"),
    ],
)
def test_the_database_refuses_what_makes_no_sense(
    session: Session, job: Job, table: Any, row: dict[str, Any], constraint: str
) -> None:
    whole = {"id": new_id(), "branch_id": job.branch_id, "job_id": job.id, **row}
    columns, values = ", ".join(whole), ", ".join(f":{name}" for name in whole)
    with pytest.raises(IntegrityError, match=constraint):
        session.execute(text(f"INSERT INTO {table.__tablename__} ({columns}) VALUES ({values})"), whole)  # noqa: S608
