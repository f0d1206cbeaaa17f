"""A tablet for which nothing has changed is answered from one query, and as it would be otherwise."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.crews.models import Crew, CrewMember
from app.identity.models import Device, DeviceState, Person
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime
from app.sync.host import Host
from mobile_sync.adapters.tables import sync_device_state
from tests.sync.conftest import Assign
from tests.sync.field import FieldTablet


def ask(tablet: FieldTablet) -> dict[str, Any]:
    """One page from where the tablet stands."""
    page = dict(tablet.post("pull", tablet.engine.replica.request([])))
    del page["server_at"]
    return page


def settled(tablet: FieldTablet) -> FieldTablet:
    """Everything pulled, and written down that it was."""
    tablet.engine.pull()
    ask(tablet)
    return tablet


def test_an_idle_poll_is_one_query_and_says_what_the_long_way_says(
    monkeypatch: Any, tablet: FieldTablet, job: Job, crew: Crew, assign: Assign
) -> None:
    assign(job, crew)
    settled(tablet)
    with count_queries() as count:
        short = ask(tablet)
    assert count.total == 1, count.statements
    monkeypatch.setattr(Host, "idle", lambda _self, _request: None)
    assert short == ask(tablet)
    assert short["changes"] == []
    assert short["buckets"][0]["row_count"] == 3  # the crew, its job and the checklist


def test_what_is_new_is_not_missed(tablet: FieldTablet, job: Job, crew: Crew, assign: Assign) -> None:
    settled(tablet)
    assign(job, crew)
    assert {change["entity"] for change in ask(tablet)["changes"]} == {"job", "form_record"}


def test_a_tablet_whose_person_left_the_crew_is_told(
    session: Session, tablet: FieldTablet, crew_and_lead: tuple[Crew, Person]
) -> None:
    crew, lead = crew_and_lead
    settled(tablet)
    session.execute(delete(CrewMember).where(CrewMember.person_id == lead.id))
    session.commit()
    assert ask(tablet)["dropped"] == [f"crew:{crew.id}"]


def test_a_revoked_tablet_is_refused_at_once(app: Flask, session: Session, tablet: FieldTablet) -> None:
    settled(tablet)
    session.execute(update(Device).values(state=DeviceState.REVOKED))
    session.commit()
    body = tablet.engine.replica.request([])
    assert tablet.client.post("/sync/v1/pull", json=body, headers=tablet.headers).status_code == 403
    assert app.test_client().post("/sync/v1/pull", json=body).status_code == 401


def test_an_expired_token_is_refused_as_ever(clock: FrozenClock, tablet: FieldTablet) -> None:
    settled(tablet)
    clock.tick(minutes=11)
    answered = tablet.client.post("/sync/v1/pull", json=tablet.engine.replica.request([]), headers=tablet.headers)
    assert (answered.status_code, answered.get_json()["code"]) == (401, "token-expired")


def test_that_it_was_here_is_written_down_once_a_minute(
    runtime: Runtime, session: Session, clock: FrozenClock, tablet: FieldTablet
) -> None:
    settled(tablet)
    began = runtime.clock()
    clock.tick(seconds=30)
    ask(tablet)
    query = select(sync_device_state.c.last_pull_at)
    assert session.scalar(query) == began
    clock.tick(seconds=31)
    ask(tablet)
    assert session.scalar(query) == runtime.clock()
