"""A tablet for which nothing has changed is answered from one query, and as it would be otherwise."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, delete, select, text, update
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from app.crews.models import Crew, CrewMember
from app.factory import create_app
from app.identity.models import Device, DeviceState, Person
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime
from app.sync.idle import MOST_BYTES
from mobile_sync.adapters.tables import sync_device_state
from tests.factories import given_branch
from tests.factories_field import given_crew
from tests.sync.conftest import Assign
from tests.sync.field import FieldTablet, field_tablet


def ask(tablet: FieldTablet) -> dict[str, Any]:
    """One page from where the tablet stands."""
    return page_of(asked(tablet))


def asked(tablet: FieldTablet, *, space: int = 0, **headers: str) -> TestResponse:
    """The answer to what a tablet says of where it stands, and so much white space behind it."""
    body = json.dumps(tablet.engine.replica.request([])) + " " * space
    told = {**tablet.headers, "Content-Type": "application/json", **headers}
    return tablet.client.post("/sync/v1/pull", data=body, headers=told)


def asked_the_long_way(tablet: FieldTablet, **headers: str) -> TestResponse:
    """The same from the route: what takes so much room is left to it."""
    return asked(tablet, space=MOST_BYTES, **headers)


def page_of(answered: TestResponse) -> dict[str, Any]:
    page = dict(answered.get_json())
    del page["server_at"]
    return page


def settled(tablet: FieldTablet) -> FieldTablet:
    """Everything pulled, and written down that it was."""
    tablet.engine.pull()
    ask(tablet)
    return tablet


def test_an_idle_poll_is_one_query_and_says_what_the_long_way_says(
    tablet: FieldTablet, job: Job, crew: Crew, assign: Assign
) -> None:
    assign(job, crew)
    settled(tablet)
    with count_queries() as count:
        short = ask(tablet)
    assert count.total == 1, count.statements
    assert short == page_of(asked_the_long_way(tablet))
    assert short["changes"] == []
    assert short["buckets"][0]["row_count"] == 3  # the crew, its job and the checklist


def test_an_idle_poll_leaves_behind_what_any_request_does(
    capsys: pytest.CaptureFixture[str], tablet: FieldTablet
) -> None:
    settled(tablet)
    capsys.readouterr()
    short, long = (ask_so(tablet, **{"X-Request-Id": "from-the-proxy.7"}) for ask_so in (asked, asked_the_long_way))
    assert (short.status, short.headers) == (long.status, long.headers)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0].pop("queries") == 1
    assert lines[1].pop("queries") > 1
    for line in lines:
        assert line.pop("time")
        assert line.pop("duration_ms") > 0
    assert lines[0] == lines[1]
    assert (lines[0]["route"], lines[0]["request_id"]) == ("/sync/v1/pull", "from-the-proxy.7")
    figures = tablet.client.get("/metrics").text
    assert 'lamplighter_request_queries_bucket{le="1.0",method="POST",route="/sync/v1/pull"}' in figures


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"[]", {}, 400),
        (b"no JSON", {}, 400),
        (b"{}", {"Content-Encoding": "gzip"}, 400),
        (b'{"cursors": {"a": 1}, "limit": 0}', {}, 422),
        (b'{"cursors": {"a": 1}}', {"Authorization": "Bearer of-nobody"}, 401),
        (b'{"cursors": {"a": 1}}', {"Authorization": "Basic eDp5"}, 401),
    ],
)
def test_what_is_no_poll_is_refused_by_the_route(
    tablet: FieldTablet, body: bytes, headers: dict[str, str], status: int
) -> None:
    settled(tablet)
    told = {**tablet.headers, **headers}
    answers = [tablet.client.post("/sync/v1/pull", data=body + space, headers=told) for space in (b"", b" " * 20_000)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].get_json()["code"] == answers[1].get_json()["code"]


def test_a_compressed_poll_is_an_idle_one_too(tablet: FieldTablet) -> None:
    settled(tablet)
    body = gzip.compress(json.dumps(tablet.engine.replica.request([])).encode())
    with count_queries() as count:
        answered = tablet.client.post(
            "/sync/v1/pull", data=body, headers={**tablet.headers, "Content-Encoding": "gzip"}
        )
    assert (answered.status_code, count.total) == (200, 1)


def test_a_database_that_went_away_is_told_as_ever(runtime: Runtime, tablet: FieldTablet) -> None:
    settled(tablet)
    nowhere = create_engine("postgresql+psycopg://app@127.0.0.1:1/none", connect_args={"connect_timeout": 1})
    runtime.sessions, runtime.lookups = sessionmaker(nowhere), nowhere
    answered = asked(tablet)
    assert (answered.status_code, answered.get_json()["code"]) == (503, "unavailable")
    nowhere.dispose()


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


def test_a_tablet_at_the_door_is_known_by_one_statement_whose_connection_may_have_been_cut(
    committed_runtime: Runtime,
) -> None:
    with committed_runtime.sessions() as session:
        _, person = given_crew(session, given_branch(session), "R3", login="zhaoqiang")
        tablet = field_tablet(create_app(committed_runtime), session, person)
    asked = {"hashes": ["0" * 64]}
    with count_queries() as count:
        tablet.post("blobs/check", asked)
    known = [sent for sent in count.statements if "access_hash" in sent]
    assert len(known) == 1
    assert "set_config" not in known[0]
    with committed_runtime.lookups.connect() as line, committed_runtime.engine.connect() as other:
        cut = line.scalar(text("SELECT pg_backend_pid()"))
        assert other.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": cut})
    with count_queries() as count:
        tablet.post("blobs/check", asked)
    assert len([sent for sent in count.statements if "access_hash" in sent]) == 2
