"""What happens after a crew was sent: it answers in time, or the desk hears of it and can send another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app import schedule
from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from app.jobs import queries as job_queries
from app.jobs import service as job_service
from app.jobs.models import Job, JobState
from app.kernel import tasks
from app.kernel.clock import FrozenClock
from app.kernel.unit_of_work import Runtime
from tests.dispatch.visits import state_of, step
from tests.factories import Client, acting, given_person, signed_in
from tests.factories_field import at_m, given_crew, given_job

ALERTS = "/api/v1/crew-alerts"
Pass = Callable[[int], None]


@pytest.fixture
def pass_s(runtime: Runtime, clock: FrozenClock) -> Pass:
    """Let so many seconds go by, and the scheduler look."""
    schedule.install(runtime)

    def go(seconds: int) -> None:
        clock.tick(seconds=seconds)
        schedule.tick(runtime)
        tasks.drain(runtime)

    return go


@pytest.fixture
def near(session: Session, branch: Branch) -> tuple[Crew, Person]:
    return given_crew(session, branch, "NEAR", place=at_m(100, 0), login="near")


@pytest.fixture
def far(session: Session, branch: Branch) -> Crew:
    return given_crew(session, branch, "FAR", place=at_m(900, 0))[0]


@pytest.fixture
def job(runtime: Runtime, branch: Branch) -> Job:
    return given_job(runtime, branch)


def send(desk: Client, job: Job, crew: Crew) -> str:
    answer = desk.post(f"/api/v1/jobs/{job.id}/assignments", json={"crew_id": str(crew.id)})
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def listed(desk: Client) -> list[dict[str, Any]]:
    answer = desk.get(ALERTS)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def lines(desk: Client, job: Job) -> list[str]:
    return [line["kind"] for line in desk.get(f"/api/v1/jobs/{job.id}/timeline").get_json()["items"]]


def test_a_crew_that_does_not_answer_within_two_minutes_comes_before_the_desk(
    desk: Client, job: Job, near: tuple[Crew, Person], pass_s: Pass
) -> None:
    send(desk, job, near[0])
    pass_s(119)
    assert listed(desk) == []
    pass_s(6)
    (alert,) = listed(desk)
    assert (alert["kind"], alert["crew"]["code"], alert["job"]["id"]) == ("no_answer", "NEAR", str(job.id))
    assert (alert["since"], alert["role"]) == ("2026-07-16T00:00:00+00:00", "dispatcher")
    pass_s(6)
    assert lines(desk, job).count("no_answer") == 1, "told once, however often the clock comes round"


def test_a_crew_that_accepts_is_no_alert_any_more(
    desk: Client, runtime: Runtime, job: Job, near: tuple[Crew, Person], pass_s: Pass
) -> None:
    send(desk, job, near[0])
    pass_s(125)
    assert len(listed(desk)) == 1
    step(runtime, near[1], job, "accepted")
    assert listed(desk) == []


def test_a_refusal_stands_with_its_reason_until_somebody_else_is_sent(
    desk: Client, runtime: Runtime, job: Job, near: tuple[Crew, Person], far: Crew, pass_s: Pass
) -> None:
    send(desk, job, near[0])
    answer = desk.post(f"/api/v1/jobs/{job.id}/transitions", json={"to": "refused", "reason": "desk"})
    assert answer.status_code == 200, "by the desk it is a withdrawal, which is nobody's alarm"
    pass_s(1)
    assert listed(desk) == []
    send(desk, job, near[0])
    _refuse(runtime, near[1], job, "缺材料")
    pass_s(1)
    (alert,) = listed(desk)
    assert (alert["kind"], alert["reason"], alert["crew"]["code"]) == ("refused", "缺材料", "NEAR")
    order = [(one["code"], one["ok"]) for one in desk.get(f"/api/v1/jobs/{job.id}/candidates").get_json()["items"]]
    assert order == [("FAR", True), ("NEAR", True)], "who has refused comes after who has not been asked"
    send(desk, job, far)
    assert listed(desk) == []


def test_one_click_calls_the_silent_crew_back_and_sends_the_next(
    desk: Client, job: Job, near: tuple[Crew, Person], far: Crew, pass_s: Pass
) -> None:
    send(desk, job, near[0])
    pass_s(125)
    (alert,) = listed(desk)
    answer = desk.post(f"{ALERTS}/{alert['id']}/send", json={"crew_id": str(far.id)})
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["crew_id"] == str(far.id)
    assert listed(desk) == []
    assert lines(desk, job)[-3:] == ["no_answer", "withdrawn", "assigned"]
    again = desk.post(f"{ALERTS}/{alert['id']}/send", json={"crew_id": str(far.id)})
    assert (again.status_code, again.get_json()["code"]) == (409, "alert-over")


def test_where_the_next_cannot_go_the_silent_crew_keeps_the_job(
    desk: Client, session: Session, runtime: Runtime, branch: Branch, job: Job, near: tuple[Crew, Person], far: Crew,
    pass_s: Pass,
) -> None:  # fmt: skip
    send(desk, job, near[0])
    send(desk, given_job(runtime, branch), far)
    pass_s(125)
    alert = next(one for one in listed(desk) if one["crew"]["code"] == "NEAR")
    answer = desk.post(f"{ALERTS}/{alert['id']}/send", json={"crew_id": str(far.id)})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "crew-busy")
    assert state_of(session, job.id) is JobState.ASSIGNED
    assert near[0].code in [one["crew"]["code"] for one in listed(desk)]


def test_what_nobody_takes_is_passed_on_to_the_next_level_by_name(
    app: Flask, session: Session, branch: Branch, desk: Client, job: Job, near: tuple[Crew, Person], pass_s: Pass
) -> None:
    leader = given_person(session, branch, "leader", [Role.TEAM_LEADER], name="赵班长")
    boss = given_person(session, branch, "boss", [Role.MANAGER])
    send(desk, job, near[0])
    pass_s(125)
    (alert,) = listed(desk)
    refused = signed_in(app, leader).post(f"{ALERTS}/{alert['id']}/take", json={})
    assert refused.status_code == 403, "it has not come to the leader yet"
    pass_s(121)
    (alert,) = listed(desk)
    assert (alert["role"], [one["name"] for one in alert["people"]]) == ("team_leader", ["赵班长"])
    pass_s(121)
    (alert,) = listed(desk)
    assert (alert["role"], alert["passes_on_at"]) == ("manager", None)
    pass_s(500)
    assert lines(desk, job).count("passed_on") == 2, "after the last level there is nobody else to tell"
    taken = signed_in(app, boss).post(f"{ALERTS}/{alert['id']}/take", json={})
    assert (taken.status_code, taken.get_json()["taken_by_name"]) == (200, boss.name)
    second = desk.post(f"{ALERTS}/{alert['id']}/take", json={})
    assert (second.status_code, second.get_json()["code"]) == (409, "alert-taken")


def test_what_somebody_has_taken_stays_with_them(
    desk: Client, dispatcher: Person, job: Job, near: tuple[Crew, Person], pass_s: Pass
) -> None:
    send(desk, job, near[0])
    pass_s(125)
    (alert,) = listed(desk)
    taken = desk.post(f"{ALERTS}/{alert['id']}/take", json={}).get_json()
    assert (taken["taken_by_name"], taken["passes_on_at"]) == (dispatcher.name, None)
    pass_s(300)
    assert listed(desk)[0]["role"] == "dispatcher"


@pytest.mark.usefixtures("far")
def test_a_place_of_three_days_ago_is_no_place(
    session: Session, branch: Branch, desk: Client, job: Job, clock: FrozenClock
) -> None:
    given_crew(session, branch, "OLD", place=at_m(10, 0), seen_at=clock() - timedelta(days=3))
    first, last = desk.get(f"/api/v1/jobs/{job.id}/candidates").get_json()["items"]
    assert (first["code"], last["code"], last["eta_s"]) == ("FAR", "OLD", None)
    (lost,) = [one for one in last["reasons"] if one["code"] == "position_lost"]
    assert lost["params"] == {"age_s": 3 * 24 * 3600}


def _refuse(runtime: Runtime, by: Person, job: Job, reason: str) -> None:
    with acting(runtime, by) as uow:
        held = job_queries.lock_job(uow.session, uow.actor, job.id)
        job_service.transition(uow, job=held, to="refused", reason=reason)
