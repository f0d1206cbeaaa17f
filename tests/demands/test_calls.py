"""Calls as they are listed, and who calls from a number."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.identity.models import Branch, Role
from app.kernel.clock import FrozenClock
from app.kernel.unit_of_work import Runtime
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import at_m, counted_queries, given_account, given_crew, given_forms, given_premises


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def desk(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch, "mali", [Role.HOTLINE]))


def report(desk: Client, **call: Any) -> dict[str, Any]:
    place = at_m(float(call.pop("east", 0)), 0)
    body = {"symptom": "no_supply", "location": {"type": "Point", "coordinates": [place.x, place.y]}, **call}
    taken: dict[str, Any] = desk.post("/api/v1/calls", json=body).get_json()
    return taken


def numbers(client: Client, **query: Any) -> list[str]:
    return [item["number"] for item in client.get("/api/v1/calls", query_string=query).get_json()["items"]]


def test_calls_are_listed_by_outage_and_by_phone(desk: Client, clock: FrozenClock) -> None:
    first = report(desk, caller_phone="13800000001")
    clock.tick(minutes=1)
    second = report(desk, caller_phone="13800000002")
    clock.tick(minutes=1)
    third = report(desk, caller_phone="13800000001", east=4000)
    assert numbers(desk, outage_id=first["outage_id"]) == [second["number"], first["number"]]
    assert numbers(desk, phone="13800000001") == [third["number"], first["number"]]


def test_pages_of_calls_join_without_gap(desk: Client) -> None:
    taken = {report(desk)["number"] for _ in range(5)}
    seen: list[str] = []
    cursor = None
    while True:
        page = desk.get("/api/v1/calls", query_string={"limit": 2, **({"cursor": cursor} if cursor else {})}).get_json()
        seen += [item["number"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert (len(seen), set(seen)) == (5, taken)


def test_a_number_on_the_display_says_who_calls_and_what_they_asked_before(
    runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    premises = [given_premises(session, branch, at_m(east, 0)) for east in (0, 50)]
    account = given_account(session, premises[0], name="周桂兰", phone="13800008888")
    given_account(session, premises[1], name="周桂兰", phone="138-0000-8888")
    before = report(desk, caller_phone="13800008888", premises_id=str(premises[0].id))
    with counted_queries(runtime) as sent:
        found = desk.get("/api/v1/parties?phone=13800008888").get_json()
    caller = next(item for item in found["items"] if item["id"] == str(account.party_id))
    assert caller["name"] == "周桂兰"
    assert [place["id"] for place in caller["premises"]] == [str(premises[0].id)]
    assert [call["number"] for call in found["calls"]] == [before["number"]]
    assert len(sent) <= 5, sent


@pytest.mark.parametrize("phone", ["12", "call me", "1" * 40])
def test_what_is_no_number_is_refused(desk: Client, phone: str) -> None:
    assert desk.get("/api/v1/parties", query_string={"phone": phone}).status_code == 422


def test_a_crew_member_reads_no_callers(app: Flask, session: Session, branch: Branch) -> None:
    _, lead = given_crew(session, branch, login="zhaoqiang")
    tablet = signed_in(app, lead)
    assert tablet.get("/api/v1/parties?phone=13800008888").status_code == 403
    assert tablet.get("/api/v1/calls").status_code == 403
