"""Live screens: who hears what, how a reader resumes, when a stream ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.crews.service import record_fix
from app.demands.models import Demand
from app.identity.models import Branch, Person, Role
from app.jobs import queries as jobs
from app.jobs import service
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.unit_of_work import Runtime
from app.live import hub as hub_module
from app.live import stream as stream_module
from app.live.cursor import Cursor, read_cursor
from app.live.hub import Hub, Listener
from app.live.stream import create_stream
from tests.factories import acting, given_branch, given_person, signed_in
from tests.factories_field import as_geojson, at_m, given_crew, given_forms, given_job


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def dispatcher(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "linxiao", [Role.DISPATCHER])


@pytest.fixture
def hub(runtime: Runtime) -> Iterator[Hub]:
    """A hub that looks when told: its thread is not started, because tests share one database connection."""
    hub = Hub(runtime)
    yield hub
    hub.close()


@pytest.fixture
def stream(runtime: Runtime, hub: Hub) -> Flask:
    return create_stream(runtime, hub)


Open = Callable[..., "Reader"]


class Reader:
    """A browser that reads a stream as it comes."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self._frames = iter(response.response)
        self.last_id = ""

    def read(self) -> list[tuple[str, dict[str, Any]]]:
        """The events of the next piece."""
        events = []
        for block in self._next().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "event" in lines:
                self.last_id = lines["id"]
                events.append((lines["event"], json.loads(lines["data"])))
        return events

    def _next(self) -> str:
        piece = next(self._frames)
        return piece.decode() if isinstance(piece, bytes) else str(piece)

    def ended(self) -> bool:
        return next(self._frames, None) is None


@pytest.fixture
def listen(app: Flask, stream: Flask) -> Iterator[Open]:
    opened: list[TestResponse] = []

    def open_(person: Person, **headers: str) -> Reader:
        cookie = signed_in(app, person).get_cookie("session", domain="localhost")
        assert cookie is not None
        client = stream.test_client()
        client.set_cookie("session", cookie.value, domain="localhost")
        response = client.get("/api/v1/stream", headers=headers, buffered=False)
        assert response.status_code == 200, response.get_json()
        opened.append(response)
        return Reader(response)

    yield open_
    for response in opened:
        response.close()


def changed(events: list[tuple[str, dict[str, Any]]]) -> set[tuple[str, str]]:
    return {(told["entity"], told["id"]) for kind, told in events if kind == "change"}


def test_a_change_is_told_with_its_revision_to_those_of_the_branch(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, hub: Hub, listen: Open
) -> None:
    elsewhere = given_branch(session, "XS", centre=(121.5, 31.2))
    reader, stranger = listen(dispatcher), listen(given_person(session, elsewhere, "stranger", [Role.DISPATCHER]))
    assert reader.read() == stranger.read() == [("ready", {})]
    job = given_job(runtime, branch)
    hub.look()
    assert reader.read() == [("change", {"entity": "job", "id": str(job.id), "rev": 1, "gone": False})]
    theirs = given_job(runtime, elsewhere)
    hub.look()
    assert changed(stranger.read()) == {("job", str(theirs.id))}, "and nothing of the other branch before it"


def test_dispatching_tells_of_the_job_and_the_crew(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, hub: Hub, listen: Open
) -> None:
    crew, _ = given_crew(session, branch, "R3", place=at_m())
    job = given_job(runtime, branch)
    reader = listen(dispatcher)
    hub.look()
    reader.read()
    with acting(runtime, dispatcher) as uow:
        service.assign(uow, job=jobs.lock_job(uow.session, uow.actor, job.id), crew_id=crew.id, reasons=[])
    hub.look()
    assert changed(reader.read()) == {("job", str(job.id)), ("crew", str(crew.id))}


def test_a_call_tells_of_demand_outage_and_job(
    app: Flask, session: Session, dispatcher: Person, hub: Hub, listen: Open
) -> None:
    reader = listen(dispatcher)
    reader.read()
    call = {"symptom": "no_supply", "location": as_geojson(at_m(0, 0))}
    taken = signed_in(app, dispatcher).post("/api/v1/calls", json=call).get_json()
    hub.look()
    assert {entity for entity, _ in changed(reader.read())} == {"demand", "outage", "job"}
    assert session.get_one(Demand, UUID(taken["id"])).outage_id == UUID(taken["outage_id"])


def test_a_crew_that_moves_is_told_of_though_it_has_no_new_revision(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, hub: Hub, listen: Open
) -> None:
    crew, lead = given_crew(session, branch, "R3", place=at_m())
    reader = listen(dispatcher)
    reader.read()
    hub.look()
    with acting(runtime, lead) as uow:
        record_fix(uow, crew_id=crew.id, location=at_m(50, 0), at=uow.now + timedelta(seconds=1))
    hub.look()
    assert changed(reader.read()) == {("crew", str(crew.id))}


def test_a_reader_that_comes_back_hears_what_it_missed_and_nothing_twice(
    runtime: Runtime, branch: Branch, dispatcher: Person, hub: Hub, listen: Open
) -> None:
    first = listen(dispatcher)
    first.read()
    seen = given_job(runtime, branch)
    hub.look()
    assert changed(first.read()) == {("job", str(seen.id))}
    first.response.close()
    assert len(hub) == 0
    missed = [given_job(runtime, branch) for _ in range(3)]
    again = listen(dispatcher, **{"Last-Event-ID": first.last_id})
    hub.look()
    told = [*again.read(), *again.read()]
    assert [one["id"] for kind, one in told if kind == "change"] == [str(job.id) for job in missed]


@pytest.mark.parametrize("last", ["rubbish", "bm90IG91cnM", Cursor("another life", {}).token()])
def test_a_reader_with_a_cursor_of_another_life_fetches_everything(last: str, dispatcher: Person, listen: Open) -> None:
    assert listen(dispatcher, **{"Last-Event-ID": last}).read() == [("reset", {})]


def test_a_reader_that_missed_too_much_fetches_everything(
    runtime: Runtime, branch: Branch, dispatcher: Person, hub: Hub, listen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = listen(dispatcher)
    reader.read()
    monkeypatch.setattr("app.live.queries.MOST_AT_ONCE", 2)
    for _ in range(3):
        given_job(runtime, branch)
    hub.look()
    assert [kind for kind, _ in reader.read()] == ["reset"]


def test_a_slow_reader_is_sent_away_and_the_others_are_not(
    runtime: Runtime, branch: Branch, dispatcher: Person, hub: Hub, listen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "MAX_BEHIND", 2)
    slow, quick = listen(dispatcher), listen(dispatcher)
    assert slow.read() == quick.read() == [("ready", {})]
    for _ in range(3):
        given_job(runtime, branch)
        hub.look()
        assert len(changed(quick.read())) == 1
    assert len(hub) == 1
    assert len(changed(slow.read())) == len(changed(slow.read())) == 1
    assert slow.ended()


def test_a_stream_ends_when_the_login_is_revoked(
    app: Flask, dispatcher: Person, hub: Hub, stream: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "CHECK_LOGIN_S", 0.0)
    monkeypatch.setattr(stream_module, "HEARTBEAT_S", 0.01)
    browser = signed_in(app, dispatcher)
    cookie = browser.get_cookie("session", domain="localhost")
    assert cookie is not None
    client = stream.test_client()
    client.set_cookie("session", cookie.value, domain="localhost")
    reader = Reader(client.get("/api/v1/stream", buffered=False))
    assert reader.read() == [("ready", {})]
    assert reader.read() == [], "a heartbeat"
    assert browser.delete("/api/v1/session").status_code in {200, 204}
    assert reader.ended()
    assert len(hub) == 0


def test_a_stream_holds_no_database_connection(
    runtime: Runtime, dispatcher: Person, listen: Open, branch: Branch
) -> None:
    readers = [listen(dispatcher) for _ in range(3)]
    for reader in readers:
        reader.read()
    assert runtime.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    given_job(runtime, branch)


def test_without_a_login_or_the_right_there_is_no_stream(
    app: Flask, session: Session, branch: Branch, stream: Flask
) -> None:
    assert stream.test_client().get("/api/v1/stream").status_code == 401
    member = signed_in(app, given_person(session, branch, "member", [Role.CREW_MEMBER]))
    cookie = member.get_cookie("session", domain="localhost")
    assert cookie is not None
    client = stream.test_client()
    client.set_cookie("session", cookie.value, domain="localhost")
    assert client.get("/api/v1/stream").status_code == 403


def test_another_site_cannot_read_the_stream(stream: Flask) -> None:
    answered = stream.test_client().get("/api/v1/stream", headers={"Origin": "https://evil.example"})
    assert (answered.status_code, answered.get_json()["code"]) == (403, "foreign-origin")
    assert answered.headers["Access-Control-Allow-Origin"] == "http://localhost"


def test_beyond_the_places_there_are_a_reader_is_told_when_to_come_again(
    app: Flask, dispatcher: Person, stream: Flask, listen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "MAX_STREAMS", 1)
    listen(dispatcher).read()
    cookie = signed_in(app, dispatcher).get_cookie("session", domain="localhost")
    assert cookie is not None
    client = stream.test_client()
    client.set_cookie("session", cookie.value, domain="localhost")
    refused = client.get("/api/v1/stream")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "streams-full")
    assert int(refused.headers["Retry-After"]) > 0


def test_one_person_cannot_take_all_places(dispatcher: Person, hub: Hub, branch: Branch) -> None:
    for _ in range(hub_module.MAX_STREAMS_PER_PERSON):
        hub.join(Listener(frozenset({branch.id}), dispatcher.id))
    with pytest.raises(hub_module.TooManyStreams):
        hub.join(Listener(frozenset({branch.id}), dispatcher.id))
    hub.join(Listener(frozenset({branch.id}), None))


def test_a_reader_that_goes_before_the_first_frame_leaves_its_place(dispatcher: Person, hub: Hub, listen: Open) -> None:
    reader = listen(dispatcher)
    assert len(hub) == 1
    reader.response.close()
    assert len(hub) == 0


def test_closing_ends_every_stream_at_once(dispatcher: Person, hub: Hub, listen: Open) -> None:
    readers = [listen(dispatcher) for _ in range(3)]
    for reader in readers:
        reader.read()
    hub.close()
    assert all(reader.ended() for reader in readers)


def test_a_cursor_is_read_as_it_was_written(branch: Branch) -> None:
    cursor = Cursor("life", {branch.id: 7})
    assert read_cursor(cursor.token()) == cursor
    assert read_cursor(cursor.at(branch.id, 9).token()) == Cursor("life", {branch.id: 9})


def test_a_job_changed_twice_before_a_look_is_told_once(
    runtime: Runtime, clock: FrozenClock, branch: Branch, dispatcher: Person, hub: Hub, listen: Open, session: Session
) -> None:
    reader = listen(dispatcher)
    reader.read()
    job = given_job(runtime, branch)
    for note in ("一", "二"):
        with acting(runtime, dispatcher) as uow:
            service.edit_job(uow, job=jobs.lock_job(uow.session, uow.actor, job.id), changes={"note": note})
        clock.tick(seconds=1)
    hub.look()
    (told,) = reader.read()
    assert told[1]["rev"] == session.get_one(Job, job.id, populate_existing=True).rev == 3
