"""Whom a confirmed device cut off: noted from the network, listed in the order of calls, called."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import NeedKind, Tier
from app.identity.models import AuditEntry, Branch, Role
from app.reliability.models import Interruption
from tests.factories import given_branch, given_person, signed_in
from tests.factories_field import NOON
from tests.supply.conftest import Storm, given_need, given_tier


def test_a_confirmed_switch_cuts_off_all_behind_it_since_the_first_call(storm: Storm) -> None:
    answer = storm.confirm("SW1", extent="支线", stated_by="crew")
    assert answer.status_code == 201, answer.text
    shown = answer.get_json()
    assert (shown["affected"], shown["remaining"]) == (3, 3)
    assert shown["confirmation"]["device"]["code"] == "SW1"
    assert (shown["confirmation"]["cause_class"], shown["confirmation"]["stated_by"]) == ("fault", "crew")
    assert storm.out() == {"TXA2", "TXA3"}
    assert set(storm.session.scalars(select(Interruption.begun_at))) == {NOON}
    assert storm.desk.get(f"/api/v1/outages/{storm.outage}").get_json()["cause"] == "storm"


def test_a_device_that_has_opened_cut_off_whom_it_would_feed(storm: Storm) -> None:
    storm.operate("SW1", "open")
    assert storm.confirm("SW1").get_json()["affected"] == 3


def test_planned_work_is_no_fault(storm: Storm) -> None:
    storm.confirm("TXA2", cause="planned_work")
    assert set(storm.session.scalars(select(Interruption.cause_class))) == {"planned"}


def test_another_device_confirmed_takes_the_place_of_the_one_before(storm: Storm) -> None:
    storm.confirm("SW1")
    assert storm.confirm("TXA2").get_json()["affected"] == 2
    assert storm.out() == {"TXA2"}
    assert storm.confirm("CB1").get_json()["affected"] == 4
    assert storm.out() == {"TXA1", "TXA2", "TXA3"}


def test_a_confirmation_taken_back_leaves_nobody_cut_off(storm: Storm) -> None:
    storm.confirm("SW1")
    path = f"/api/v1/outages/{storm.outage}/confirmation/withdrawal"
    assert storm.desk.post(path, json={}).get_json()["confirmation"] is None
    assert storm.rows() == 0
    again = storm.desk.post(path, json={})
    assert (again.status_code, again.get_json()["code"]) == (409, "not-confirmed")


@pytest.mark.parametrize(
    ("device", "more", "status", "code"),
    [
        ("R1", {}, 422, "other-outage"),
        ("TXA2", {"cause": "magic"}, 422, "invalid"),
        ("TXA2", {"link_id": "0198c000-0000-7000-8000-000000000000"}, 422, "invalid"),
    ],
)
def test_what_cannot_be_the_cause_is_refused(
    storm: Storm, device: str, more: dict[str, str], status: int, code: str
) -> None:
    answer = storm.confirm(device, **more)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert storm.rows() == 0


def test_a_device_that_nothing_feeds_cut_nobody_off(storm: Storm) -> None:
    storm.operate("SW1", "open")
    answer = storm.confirm("TXA3")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "not-fed")


def test_the_list_of_calls_begins_with_life_support_and_is_paged(storm: Storm) -> None:
    (one, two), (three,), (four,) = storm.at["TXA2"], storm.at["TXA3"], storm.at["TXA1"]
    given_need(storm.session, three, NeedKind.LONE_ELDER)
    given_need(storm.session, four, NeedKind.LIFE_SUPPORT)
    given_need(storm.session, one, NeedKind.LIFE_SUPPORT, consented=False)
    given_tier(storm.session, two, Tier.VIP)
    storm.confirm("CB1")
    path = f"/api/v1/outages/{storm.outage}/affected"
    first = storm.desk.get(path, query_string={"limit": 2}).get_json()
    rest = storm.desk.get(path, query_string={"limit": 2, "cursor": first["next"]}).get_json()
    listed = [row["account_id"] for row in first["items"] + rest["items"]]
    assert listed == [str(four), str(three), str(two), str(one)]
    assert rest["next"] is None
    assert first["items"][0]["needs"] == ["life_support"]
    assert storm.supply()["flags"] == {"life_support": 1, "lone_elder": 1, "vip": 1}
    seen = storm.session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "affected_seen")).all()
    assert [one["needs"] for one in seen] == [2, 0]
    assert storm.desk.get(path, query_string={"cursor": "WzEsMl0"}).status_code == 422


def test_what_came_of_a_call_stands_in_the_list_and_the_last_word_holds(storm: Storm) -> None:
    storm.confirm("TXA2")
    account = storm.at["TXA2"][0]
    path = f"/api/v1/outages/{storm.outage}/affected/{account}/contacts"
    for answer in ("not_reached", "has_power"):
        storm.clock.tick(minutes=1)
        assert storm.desk.post(path, json={"answer": answer}).status_code == 201
    rows = storm.desk.get(f"/api/v1/outages/{storm.outage}/affected").get_json()["items"]
    assert {row["answer"] for row in rows} == {None, "has_power"}
    assert storm.supply()["say_they_have_power"] == 1
    other = storm.desk.post(path.replace(str(account), str(storm.at["TXB1"][0])), json={"answer": "called"})
    assert (other.status_code, other.get_json()["code"]) == (422, "not-cut-off")


def test_the_manager_s_table_names_nobody_and_the_hotline_does_not_see_who_is_ill(
    app: Flask, session: Session, branch: Branch, storm: Storm
) -> None:
    given_need(session, storm.at["TXA2"][0], NeedKind.LIFE_SUPPORT)
    storm.confirm("TXA2")
    manager = signed_in(app, given_person(session, branch, "boss", [Role.MANAGER]))
    table = manager.get(f"/api/v1/outages/{storm.outage}/affected.csv").get_data(as_text=True)
    assert table.count("\r\n") == 3
    assert "life_support" not in table
    hotline = signed_in(app, given_person(session, branch, "mali", [Role.HOTLINE]))
    assert hotline.get(f"/api/v1/outages/{storm.outage}/affected").status_code == 403
    assert hotline.get(f"/api/v1/outages/{storm.outage}/supply").get_json()["flags"] is None
    stranger = signed_in(app, given_person(session, given_branch(session, "XS"), "else", [Role.DISPATCHER]))
    assert stranger.get(f"/api/v1/outages/{storm.outage}/affected").status_code == 404


def test_an_outage_with_a_cause_of_its_own_is_not_merged(storm: Storm) -> None:
    storm.confirm("TXA2")
    there = {"type": "Point", "coordinates": [120.02, 30.2]}
    other = storm.desk.post("/api/v1/calls", json={"symptom": "no_supply", "location": there, "join": "new"})
    merged = storm.desk.post(
        f"/api/v1/outages/{other.get_json()['outage_id']}/merges", json={"outage_ids": [storm.outage]}
    )
    assert (merged.status_code, merged.get_json()["code"]) == (409, "cause-confirmed")
