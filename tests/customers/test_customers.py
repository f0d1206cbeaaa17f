"""Finding a premises, reading it, and what only those who send help may know."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.customers import queries
from app.customers.models import NeedKind, SpecialNeed
from app.customers.rules import Sought, sought
from app.identity.models import AuditEntry, Branch, Person, Role
from app.kernel.ids import new_id
from app.kernel.net import narrow
from app.kernel.unit_of_work import Runtime
from tests.factories import given_branch, given_person, signed_in
from tests.factories_field import NOON, at_m, counted_queries, given_account, given_estate, given_premises


@pytest.fixture
def branch(session: Session) -> Branch:
    return given_branch(session)


@pytest.fixture
def dispatcher(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "linxiao", [Role.DISPATCHER])


@pytest.mark.parametrize(
    ("q", "kind"),
    [("330100000012", Sought.NUMBER), ("138 0000", Sought.NUMBER), ("lhhy3", Sought.INITIALS), ("花园", Sought.WORDS)],
)
def test_a_search_text_is_read_as_what_it_looks_like(q: str, kind: Sought) -> None:
    assert sought(q) is kind


@pytest.mark.parametrize(
    ("q", "found_by"),
    [
        pytest.param("龙衡花园", "address", id="part of the address"),
        pytest.param("周桂", "name", id="start of the name"),
        pytest.param("lhhy", "initials", id="pinyin initials of the address"),
        pytest.param("ZGL", "name", id="pinyin initials of the name"),
        pytest.param("3301999", "account", id="start of the account number"),
        pytest.param("8888", "phone", id="end of the phone number"),
        pytest.param("138-0000-8888", "phone", id="the whole phone number as written"),
        pytest.param("longheng g", "address", id="part of the English address"),
    ],
)
def test_a_premises_is_found_by_what_a_caller_says(session: Session, branch: Branch, q: str, found_by: str) -> None:
    premises = given_premises(
        session, branch, address="龙衡花园3栋502", address_en="502, Block 3, Longheng Garden", initials="lhhy3d502"
    )
    given_account(session, premises, name="周桂兰", initials="zgl", phone="13800008888", number="330199900001")
    given_account(session, given_premises(session, branch, address="别处1号", address_en="Elsewhere", initials="bc1h"))
    hits = queries.find_premises(session, [branch.id], q, limit=10)
    assert [(hit.premises.id, hit.found_by) for hit in hits] == [(premises.id, found_by)]


def test_signs_of_a_pattern_mean_themselves(session: Session, branch: Branch) -> None:
    given_premises(session, branch, address="龙衡路100号")
    assert queries.find_premises(session, [branch.id], "1_0", limit=10) == []
    assert queries.find_premises(session, [branch.id], "%%", limit=10) == []


def test_a_search_stays_within_its_branches_and_its_limit(session: Session, branch: Branch) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    given_premises(session, elsewhere, at_m(centre=(110.0, 30.0)), address="龙衡花园9栋")
    for number in range(5):
        given_premises(session, branch, address=f"龙衡花园{number}栋")
    hits = queries.find_premises(session, [branch.id], "龙衡花园", limit=3)
    assert [hit.premises.address for hit in hits] == ["龙衡花园0栋", "龙衡花园1栋", "龙衡花园2栋"]


def test_the_function_behind_the_search_holds_itself_to_the_branches_of_the_transaction(
    session: Session, branch: Branch
) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    given_premises(session, elsewhere, at_m(centre=(110.0, 30.0)), address="龙衡花园9栋")
    given_premises(session, branch, address="龙衡花园1栋")
    assert len(queries.find_premises(session, [elsewhere.id], "龙衡花园", limit=3)) == 1
    narrow(session, [branch.id])
    named = session.execute(text("SELECT * FROM premises_with(:branches, '龙衡', 9)"), {"branches": [elsewhere.id]})
    assert named.all() == []
    assert len(queries.find_premises(session, [branch.id, elsewhere.id], "花园", limit=3)) == 1


def test_the_function_behind_phone_numbers_holds_itself_to_the_branches_of_the_transaction(
    session: Session, branch: Branch
) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    theirs = given_account(session, given_premises(session, elsewhere, at_m(centre=(110.0, 30.0))), phone="13800008888")
    ours = given_account(session, given_premises(session, branch), phone="13900008888")
    ending = text("SELECT parties_with_phone_ending_in('8888')")
    assert set(session.scalars(ending)) == {theirs.party_id, ours.party_id}
    narrow(session, [branch.id])
    assert session.scalars(ending).all() == [ours.party_id]


@pytest.mark.parametrize("accounts", [1, 12], ids=["one account", "twelve accounts"])
def test_a_premises_page_costs_the_same_whatever_it_shows(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, accounts: int
) -> None:
    premises = given_premises(session, branch, place_id=given_estate(session, branch).id)
    for _ in range(accounts):
        given_account(session, premises)
    desk = signed_in(app, dispatcher)
    with counted_queries(runtime) as sent:
        page = desk.get(f"/api/v1/premises/{premises.id}").get_json()
    assert (len(page["accounts"]), page["place"]["name_zh"], page["needs"]) == (accounts, "龙衡花园", [])
    assert len(sent) <= 8, sent


def given_need(session: Session, branch: Branch, party_id: object, **fields: object) -> None:
    session.add(
        SpecialNeed(
            id=new_id(),
            branch_id=branch.id,
            party_id=party_id,
            **{"kind": NeedKind.LIFE_SUPPORT, "consented_at": NOON - timedelta(days=1), "valid_until": None, **fields},
        )
    )
    session.commit()


def test_special_needs_are_shown_to_those_who_send_help_and_the_look_is_written_down(
    app: Flask, session: Session, branch: Branch, dispatcher: Person
) -> None:
    premises = given_premises(session, branch)
    account = given_account(session, premises)
    given_need(session, branch, account.party_id)
    page = signed_in(app, dispatcher).get(f"/api/v1/premises/{premises.id}").get_json()
    assert [need["kind"] for need in page["needs"]] == ["life_support"]
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "special_need_seen")).one()
    assert (entry.person_id, entry.entity_id, entry.detail) == (dispatcher.id, premises.id, {"kinds": ["life_support"]})


def test_the_hotline_is_not_told_of_special_needs(app: Flask, session: Session, branch: Branch) -> None:
    hotline = given_person(session, branch, "mali", [Role.HOTLINE])
    premises = given_premises(session, branch)
    given_need(session, branch, given_account(session, premises).party_id)
    page = signed_in(app, hotline).get(f"/api/v1/premises/{premises.id}").get_json()
    assert (page["needs"], len(page["accounts"])) == (None, 1)
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "special_need_seen")).first() is None


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"consented_at": None}, id="never consented"),
        pytest.param({"valid_until": NOON}, id="no longer in force"),
    ],
)
def test_a_need_without_consent_or_past_its_end_is_not_shown(
    app: Flask, session: Session, branch: Branch, dispatcher: Person, fields: dict[str, object]
) -> None:
    premises = given_premises(session, branch)
    given_need(session, branch, given_account(session, premises).party_id, **fields)
    assert signed_in(app, dispatcher).get(f"/api/v1/premises/{premises.id}").get_json()["needs"] == []


def test_premises_around_a_point_come_nearest_first(
    app: Flask, session: Session, branch: Branch, dispatcher: Person
) -> None:
    places = [given_premises(session, branch, at_m(east, 0)) for east in (90, 30, 400)]
    desk, middle = signed_in(app, dispatcher), at_m()
    found = desk.get(f"/api/v1/premises?near={middle.x},{middle.y}&radius_m=100").get_json()["items"]
    assert [item["id"] for item in found] == [str(places[1].id), str(places[0].id)]
    assert found[0]["distance_m"] == pytest.approx(30, abs=0.5)


@pytest.mark.parametrize("near", ["120.1", "a,b", "30.2,120.1", "NaN,NaN", "", "120.1,30.2,"])
def test_a_point_that_is_none_is_refused(app: Flask, dispatcher: Person, near: str) -> None:
    refused = signed_in(app, dispatcher).get("/api/v1/premises", query_string={"near": near})
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "near")


def test_foreign_premises_do_not_exist(app: Flask, session: Session, branch: Branch) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    foreign = signed_in(app, given_person(session, elsewhere, "foreign", [Role.DISPATCHER]))
    premises = given_premises(session, branch)
    middle = at_m()
    assert foreign.get(f"/api/v1/premises/{premises.id}").status_code == 404
    assert foreign.get(f"/api/v1/premises?near={middle.x},{middle.y}").get_json()["items"] == []
    assert foreign.get("/api/v1/search", query_string={"q": premises.address}).get_json()["items"] == []
