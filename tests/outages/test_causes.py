"""Which device explains the calls, asked through the door; what decides it is in test_predict."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.identity.models import Branch, Role
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import at_m, given_account, given_forms, given_premises
from tests.grid.town import Networks, given_networks

HOMES = 6  # at each transformer


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def networks(session: Session, branch: Branch) -> Networks:
    return given_networks(session, branch)


@pytest.fixture
def homes(session: Session, branch: Branch, networks: Networks) -> dict[str, list[str]]:
    """Premises by transformer."""
    found: dict[str, list[str]] = {}
    for code in ("TXA1", "TXA2", "TXA3", "TXB1"):
        flats = [given_premises(session, branch, service_node_id=networks.nodes[code]) for _ in range(HOMES)]
        for flat in flats:
            given_account(session, flat)
        found[code] = [str(flat.id) for flat in flats]
    return found


@pytest.fixture
def desk(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch, "linxiao", [Role.DISPATCHER]))


def call(desk: Client, premises_id: str | None, **more: Any) -> dict[str, Any]:
    answer = desk.post("/api/v1/calls", json={"symptom": "no_supply", "premises_id": premises_id, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def causes(desk: Client, branch: Branch) -> list[dict[str, Any]]:
    answer = desk.get("/api/v1/outages/causes", query_string={"branch_id": str(branch.id)})
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["items"])


def test_calls_from_two_transformers_name_the_switch_above_both(
    desk: Client, branch: Branch, networks: Networks, homes: dict[str, list[str]]
) -> None:
    taken = [call(desk, home) for code in ("TXA2", "TXA3") for home in homes[code][:3]]
    (cause,) = causes(desk, branch)
    assert (cause["code"], cause["of"], cause["id"]) == ("SW1", "link", str(networks.links["SW1"]))
    assert (cause["calls"], cause["customers"]) == (6, 2 * HOMES + 3)
    assert cause["probability"] > 0.5
    assert {one["number"] for one in cause["outages"]} == {one["outage_number"] for one in taken}


def test_calls_from_one_transformer_name_it(desk: Client, branch: Branch, homes: dict[str, list[str]]) -> None:
    for home in homes["TXA1"][:4]:
        call(desk, home)
    (cause,) = causes(desk, branch)
    assert (cause["code"], cause["of"], cause["kind"]) == ("TXA1", "node", "transformer")


def test_one_caller_among_many_is_no_failed_device(desk: Client, branch: Branch, homes: dict[str, list[str]]) -> None:
    call(desk, homes["TXA1"][0])
    assert causes(desk, branch) == []


def test_who_calls_twice_counts_once(desk: Client, branch: Branch, homes: dict[str, list[str]]) -> None:
    for _ in range(4):
        call(desk, homes["TXA1"][0], caller_phone="13800000001")
    assert causes(desk, branch) == []


def test_what_a_switch_known_to_be_open_has_darkened_is_no_fault(
    desk: Client, branch: Branch, networks: Networks, homes: dict[str, list[str]]
) -> None:
    for home in homes["TXA2"][:4]:
        call(desk, home)
    desk.post(f"/api/v1/network/links/{networks.links['SW1']}/switching", json={"move": "open"})
    assert causes(desk, branch) == []


def test_old_calls_and_calls_without_a_place_say_nothing(
    desk: Client, branch: Branch, session: Session, homes: dict[str, list[str]]
) -> None:
    here = at_m(10, 10)
    for _ in range(4):
        call(desk, None, location={"type": "Point", "coordinates": [here.x, here.y]})
    assert causes(desk, branch) == []
    for home in homes["TXA1"][:4]:
        call(desk, home)
    assert len(causes(desk, branch)) == 1
    session.execute(text("UPDATE demand SET taken_at = taken_at - interval '25 hours'"))
    session.commit()
    assert causes(desk, branch) == []


def test_without_a_branch_nothing_is_named(desk: Client) -> None:
    assert desk.get("/api/v1/outages/causes").status_code == 422
