"""Tablets: enrolled once, known by their key, fresh through lost answers, revoked at the next contact."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crews.models import Crew, CrewKind, CrewMember
from app.identity.models import Branch, Device, DeviceState, EnrolmentCode, Person, Role
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.queries_counter import count_queries
from tests.factories import (
    A_WHILE_AGO,
    PASSWORD,
    Tablet,
    TabletKey,
    given_branch,
    given_person,
    given_tablet,
    signed_in,
    visitor,
)


@pytest.fixture
def branch(session: Session) -> Branch:
    return given_branch(session)


@pytest.fixture
def manager(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "manager", [Role.MANAGER])


@pytest.fixture
def lineman(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "lineman", [Role.CREW_MEMBER])


def given_crew(session: Session, person: Person) -> Crew:
    crew = Crew(
        id=new_id(),
        branch_id=person.branch_id,
        code="E1",
        name_zh="抢修一班",
        name_en="Repair 1",
        kind=CrewKind.OUTAGE_REPAIR,
    )
    session.add(crew)
    session.flush()
    session.add(
        CrewMember(id=new_id(), branch_id=person.branch_id, crew_id=crew.id, person_id=person.id, since=A_WHILE_AGO)
    )
    session.commit()
    return crew


def code_from(app: Flask, manager: Person, **body: Any) -> str:
    answer = signed_in(app, manager).post("/api/v1/devices/enrolment-codes", json={"name": "Tablet 7", **body})
    assert answer.status_code == 201, answer.text
    code: str = answer.get_json()["code"]
    return code


def enrol(app: Flask, code: str, key: TabletKey, **changes: Any) -> Any:
    body = {"login": "lineman", "password": PASSWORD, "code": code, "name": "", "public_key": key.jwk, **changes}
    return visitor(app).post("/sync/v1/enrol", json=body)


def refresh(app: Flask, tablet: Tablet, *, token: str | None = None, key: TabletKey | None = None) -> Any:
    token = token or tablet.refresh_token
    nonce = str(new_id())
    signature = (key or tablet.key).sign(f"{tablet.device_id}.{token}.{nonce}")
    body = {
        "device_id": tablet.device_id,
        "refresh_token": token,
        "nonce": nonce,
        "signature": signature,
        "signed_at": "2026-07-16T00:00:03+00:00",
    }
    return visitor(app).post("/sync/v1/session", json=body)


def login_on(app: Flask, tablet: Tablet, login: str, *, password: str = PASSWORD, key: TabletKey | None = None) -> Any:
    nonce = str(new_id())
    body = {
        "device_id": tablet.device_id,
        "login": login,
        "password": password,
        "nonce": nonce,
        "signature": (key or tablet.key).sign(f"{tablet.device_id}.{login}.{nonce}"),
    }
    return visitor(app).post("/sync/v1/session/login", json=body)


def me(app: Flask, access_token: str) -> Any:
    return visitor(app).get("/api/v1/me", headers={"Authorization": f"Bearer {access_token}"})


def test_a_tablet_enrols_with_a_code_and_its_own_key(
    app: Flask, session: Session, manager: Person, lineman: Person
) -> None:
    crew = given_crew(session, lineman)
    code = code_from(app, manager)
    answer = enrol(app, code.lower(), TabletKey())
    assert answer.status_code == 201, answer.text
    body = answer.get_json()
    assert body["person"]["id"] == str(lineman.id)
    assert body["crew"] == {"id": str(crew.id), "code": "E1", "name_zh": "抢修一班", "name_en": "Repair 1"}
    assert me(app, body["access_token"]).get_json()["id"] == str(lineman.id)
    device = session.scalars(select(Device)).one()
    assert (device.name, device.branch_id, device.person_id) == ("Tablet 7", lineman.branch_id, lineman.id)
    assert set(device.public_key) == {"kty", "crv", "x", "y"}
    kept = session.scalars(select(EnrolmentCode)).one()
    assert code.encode() not in kept.code_hash


def test_somebody_without_a_crew_enrols_all_the_same(app: Flask, manager: Person, lineman: Person) -> None:
    assert lineman.login
    assert enrol(app, code_from(app, manager), TabletKey()).get_json()["crew"] is None


def test_an_enrolment_whose_answer_was_lost_is_answered_again(
    app: Flask, session: Session, manager: Person, lineman: Person
) -> None:
    assert lineman.login
    code, key = code_from(app, manager), TabletKey()
    first = enrol(app, code, key).get_json()
    second = enrol(app, code, key).get_json()
    assert second["device_id"] == first["device_id"]
    assert len(session.scalars(select(Device)).all()) == 1
    assert me(app, first["access_token"]).status_code == 401, "one login a tablet"
    assert me(app, second["access_token"]).status_code == 200


def test_a_code_serves_one_tablet(app: Flask, session: Session, manager: Person, lineman: Person) -> None:
    assert lineman.login
    code = code_from(app, manager)
    enrol(app, code, TabletKey())
    again = enrol(app, code, TabletKey())
    assert (again.status_code, again.get_json()["code"]) == (422, "enrolment-code-refused")
    assert len(session.scalars(select(Device)).all()) == 1


def test_a_key_serves_one_tablet(app: Flask, manager: Person, lineman: Person) -> None:
    assert lineman.login
    key = TabletKey()
    enrol(app, code_from(app, manager), key)
    again = enrol(app, code_from(app, manager), key)
    assert (again.status_code, again.get_json()["code"]) == (409, "device-known")


def test_a_code_dies_after_half_an_hour(app: Flask, manager: Person, lineman: Person, clock: FrozenClock) -> None:
    assert lineman.login
    code = code_from(app, manager)
    clock.tick(minutes=30)
    assert enrol(app, code, TabletKey()).get_json()["code"] == "enrolment-code-refused"


def test_a_code_of_another_branch_is_no_code(app: Flask, session: Session, manager: Person) -> None:
    given_person(session, given_branch(session, "FAR"), "lineman", [Role.CREW_MEMBER])
    assert enrol(app, code_from(app, manager), TabletKey()).get_json()["code"] == "enrolment-code-refused"
    assert session.scalars(select(Device)).all() == []


def test_enrolling_needs_the_password_and_failures_count(app: Flask, manager: Person, lineman: Person) -> None:
    assert lineman.login
    code = code_from(app, manager)
    answers = [enrol(app, code, TabletKey(), password="guess").status_code for _ in range(6)]
    assert answers == [401, 401, 401, 401, 401, 429]


def broken_keys() -> dict[str, tuple[dict[str, Any], str]]:
    good = TabletKey().jwk
    return {
        "the private half too": ({**good, "d": good["x"]}, "private_key"),
        "another curve": ({**good, "crv": "P-384"}, "not_p256"),
        "another kind": ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "not_p256"),
        "off the curve": ({**good, "y": good["x"]}, "not_p256"),
        "short": ({**good, "x": good["x"][:-4]}, "not_p256"),
        "not base64": ({**good, "x": "ü" * 43}, "not_p256"),
        "numbers": ({**good, "x": 7}, "not_p256"),
        "nothing": ({}, "not_p256"),
    }


@pytest.mark.parametrize("name", list(broken_keys()))
def test_a_key_that_is_no_public_p256_key_is_refused(app: Flask, manager: Person, lineman: Person, name: str) -> None:
    assert lineman.login
    key, reason = broken_keys()[name]
    answer = enrol(app, code_from(app, manager), TabletKey(), public_key=key)
    assert answer.status_code == 422, answer.text
    assert [(error["field"], error["reason"]) for error in answer.get_json()["errors"]] == [("public_key", reason)]


def test_tokens_rotate_and_a_lost_answer_is_given_again(app: Flask, session: Session, lineman: Person) -> None:
    tablet = given_tablet(app, session, lineman)
    first = refresh(app, tablet)
    assert first.status_code == 200, first.text
    repeated = refresh(app, tablet)
    for token in ("access_token", "refresh_token"):
        assert repeated.get_json()[token] == first.get_json()[token]
    assert me(app, tablet.access_token).status_code == 401
    assert me(app, first.get_json()["access_token"]).status_code == 200


def test_a_lost_answer_may_be_asked_for_weeks_later(
    app: Flask, session: Session, lineman: Person, clock: FrozenClock
) -> None:
    tablet = given_tablet(app, session, lineman)
    refresh(app, tablet)
    clock.tick(days=60)
    late = refresh(app, tablet).get_json()
    assert me(app, late["access_token"]).status_code == 200


def test_a_stolen_refresh_token_is_no_use_without_the_key(app: Flask, session: Session, lineman: Person) -> None:
    tablet = given_tablet(app, session, lineman)
    stolen = refresh(app, tablet, key=TabletKey())
    assert (stolen.status_code, stolen.get_json()["code"]) == (401, "wrong-signature")
    assert refresh(app, tablet).status_code == 200, "and its owner is not locked out"


def test_an_old_refresh_token_without_the_key_ends_the_login(app: Flask, session: Session, lineman: Person) -> None:
    tablet = given_tablet(app, session, lineman)
    newest = refresh(app, tablet).get_json()
    assert refresh(app, tablet, key=TabletKey()).get_json()["code"] == "token-replayed"
    assert me(app, newest["access_token"]).get_json()["code"] == "sign-in-again"
    assert refresh(app, tablet, token=newest["refresh_token"]).get_json()["code"] == "sign-in-again"


def test_a_tablet_set_back_two_steps_is_asked_for_the_password(app: Flask, session: Session, lineman: Person) -> None:
    tablet = given_tablet(app, session, lineman)
    second = refresh(app, tablet).get_json()["refresh_token"]
    third = refresh(app, tablet, token=second).get_json()
    assert refresh(app, tablet).get_json()["code"] == "sign-in-again"
    assert me(app, third["access_token"]).status_code == 200, "nobody else is harmed"


def test_a_signature_fits_one_token_and_one_tablet(app: Flask, session: Session, lineman: Person) -> None:
    tablet, other = given_tablet(app, session, lineman), given_tablet(app, session, lineman)
    crossed = Tablet(other.device_id, other.key, tablet.access_token, tablet.refresh_token)
    assert refresh(app, crossed).get_json()["code"] == "sign-in-again"
    unknown = Tablet(str(new_id()), tablet.key, tablet.access_token, tablet.refresh_token)
    assert refresh(app, unknown).get_json()["code"] == "wrong-signature"


def test_another_person_signs_in_on_the_tablet(app: Flask, session: Session, branch: Branch, lineman: Person) -> None:
    tablet = given_tablet(app, session, lineman)
    mate = given_person(session, branch, "mate", [Role.CREW_MEMBER])
    answer = login_on(app, tablet, "mate")
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["person"]["id"] == str(mate.id)
    assert me(app, tablet.access_token).status_code == 401
    assert login_on(app, tablet, "mate", key=TabletKey()).get_json()["code"] == "wrong-signature"
    assert login_on(app, tablet, "mate", password="guess").get_json()["code"] == "wrong-password"


def test_a_person_of_another_branch_cannot_sign_in_on_the_tablet(app: Flask, session: Session, lineman: Person) -> None:
    tablet = given_tablet(app, session, lineman)
    given_person(session, given_branch(session, "FAR"), "stranger", [Role.CREW_MEMBER])
    assert login_on(app, tablet, "stranger").get_json()["code"] == "wrong-password"


def test_a_revoked_tablet_is_refused_at_its_next_contact_and_may_still_refresh(
    app: Flask, session: Session, manager: Person, lineman: Person
) -> None:
    tablet = given_tablet(app, session, lineman)
    answer = signed_in(app, manager).post(f"/api/v1/devices/{tablet.device_id}/revoke", json={"wipe": True})
    assert answer.get_json()["state"] == "wipe"
    refused = me(app, tablet.access_token)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "device-revoked")
    renewed = refresh(app, tablet)
    assert renewed.status_code == 200, "it must be able to deliver what it holds"
    assert me(app, renewed.get_json()["access_token"]).get_json()["code"] == "device-revoked"
    assert login_on(app, tablet, "lineman").get_json()["code"] == "device-revoked"


def say_erased(app: Flask, tablet: Tablet, *, key: TabletKey | None = None, what: str = "erased") -> Any:
    nonce = str(new_id())
    proof = (key or tablet.key).sign(f"{tablet.device_id}.{what}.{nonce}")
    body = {"device_id": tablet.device_id, "nonce": nonce, "signature": proof}
    return visitor(app).post("/sync/v1/erased", json=body)


def test_a_tablet_that_was_asked_to_erase_itself_says_when_it_has(
    app: Flask, session: Session, clock: FrozenClock, manager: Person, lineman: Person
) -> None:
    tablet = given_tablet(app, session, lineman)
    desk = signed_in(app, manager)
    assert say_erased(app, tablet).get_json()["code"] == "erase-not-ordered"
    assert desk.post(f"/api/v1/devices/{tablet.device_id}/revoke", json={"wipe": True}).get_json()["wiped_at"] is None
    assert say_erased(app, tablet, key=TabletKey()).status_code == 401
    assert say_erased(app, tablet, what="login").status_code == 401
    assert say_erased(app, tablet).status_code == 204
    first = desk.get("/api/v1/devices").get_json()["items"][0]["wiped_at"]
    clock.tick(minutes=5)
    assert say_erased(app, tablet).status_code == 204, "a lost answer is asked for again"
    assert desk.get("/api/v1/devices").get_json()["items"][0]["wiped_at"] == first
    assert refresh(app, tablet).status_code == 401, "its login is over"
    again = desk.post(f"/api/v1/devices/{tablet.device_id}/revoke", json={"wipe": False}).get_json()
    assert (again["state"], again["wiped_at"]) == ("wipe", first)


def test_only_those_who_manage_tablets_see_and_revoke_them(
    app: Flask, session: Session, manager: Person, lineman: Person
) -> None:
    tablet = given_tablet(app, session, lineman)
    stranger = given_person(session, given_branch(session, "FAR"), "stranger", [Role.ADMIN])
    path = f"/api/v1/devices/{tablet.device_id}/revoke"
    assert signed_in(app, lineman).get("/api/v1/devices").status_code == 403
    assert signed_in(app, stranger).get("/api/v1/devices").get_json() == {"items": [], "next": None}
    assert signed_in(app, stranger).post(path, json={}).status_code == 404
    assert signed_in(app, lineman).post(path, json={}).status_code == 403
    assert session.get_one(Device, tablet.device_id, populate_existing=True).state is DeviceState.ACTIVE
    row = signed_in(app, manager).get("/api/v1/devices").get_json()["items"][0]
    assert (row["id"], row["person_name"]) == (tablet.device_id, lineman.name)


def test_the_office_sees_of_a_tablet_what_it_said_when_it_last_synced(
    app: Flask, session: Session, manager: Person, lineman: Person, clock: FrozenClock
) -> None:
    tablet = given_tablet(app, session, lineman)
    office = signed_in(app, manager)
    unknown = office.get("/api/v1/devices").get_json()["items"][0]
    told = ("app_version", "pending_ops", "oldest_pending_at", "clock_error_ms")
    assert [unknown[name] for name in told] == [None] * 4
    clock.tick(minutes=5)
    synced_at = clock()
    report = {"app_version": "1.2.3", "queued_ops": 4, "oldest_queued_at": "2026-07-15T23:00:00.000Z"}
    batch = {"schema_version": 1, "sent_at": "2026-07-16T00:05:03Z", "monotonic_ms": 1, "ops": [], "report": report}
    assert visitor(app).post("/sync/v1/push", json=batch, headers=tablet.headers).status_code == 200
    clock.tick(minutes=5)
    row = office.get("/api/v1/devices").get_json()["items"][0]
    assert [row[name] for name in told] == ["1.2.3", 4, "2026-07-15T23:00:00+00:00", 3000]
    assert row["last_seen_at"] == synced_at.isoformat()


@pytest.mark.parametrize("oldest", ["yesterday", "2026-07-15T23:00:00", None])
def test_a_time_that_a_tablet_wrote_badly_is_no_time(
    oldest: str | None, app: Flask, session: Session, manager: Person, lineman: Person
) -> None:
    tablet = given_tablet(app, session, lineman)
    report = {"queued_ops": 1, "oldest_queued_at": oldest}
    batch = {"schema_version": 1, "sent_at": "2026-07-16T00:00:00Z", "monotonic_ms": 1, "ops": [], "report": report}
    assert visitor(app).post("/sync/v1/push", json=batch, headers=tablet.headers).status_code == 200
    row = signed_in(app, manager).get("/api/v1/devices").get_json()["items"][0]
    assert (row["pending_ops"], row["oldest_pending_at"]) == (1, None)


def test_the_list_of_tablets_is_paged_and_its_statements_do_not_grow(
    app: Flask, session: Session, manager: Person, lineman: Person
) -> None:
    tablets = [given_tablet(app, session, lineman).device_id for _ in range(5)]
    office = signed_in(app, manager)
    seen, cursor = [], ""
    while cursor is not None:
        page = office.get("/api/v1/devices", query_string={"limit": 2, **({"cursor": cursor} if cursor else {})})
        seen += [row["id"] for row in page.get_json()["items"]]
        cursor = page.get_json()["next"]
    assert seen == tablets[::-1]
    assert office.get("/api/v1/devices?cursor=nonsense").status_code == 422


def test_a_code_for_another_branch_needs_the_right_there(
    app: Flask, session: Session, manager: Person, branch: Branch
) -> None:
    far = given_branch(session, "FAR")
    office = signed_in(app, manager)
    answer = office.post("/api/v1/devices/enrolment-codes", json={"name": "T", "branch_id": str(far.id)})
    assert answer.status_code == 404
    assert code_from(app, manager, branch_id=str(branch.id))


def test_no_door_of_identity_asks_the_database_more_than_twelve_times(
    app: Flask, session: Session, manager: Person, lineman: Person
) -> None:
    given_crew(session, lineman)
    tablet = given_tablet(app, session, lineman)
    code = code_from(app, manager)
    visitor(app).post("/api/v1/session", json={"login": "lineman", "password": "wrong"})
    doors = {
        "signing in": lambda: visitor(app).post("/api/v1/session", json={"login": "lineman", "password": PASSWORD}),
        "tokens": lambda: visitor(app).post("/api/v1/tokens", json={"login": "lineman", "password": PASSWORD}),
        "enrolling": lambda: enrol(app, code, TabletKey()),
        "changing hands": lambda: login_on(app, tablet, "lineman"),
        "refusing": lambda: visitor(app).post("/api/v1/session", json={"login": "lineman", "password": "wrong"}),
    }
    asked = {}
    for door, use in doors.items():
        with count_queries() as count:
            assert use().status_code in {200, 201, 401}, door
        asked[door] = count.total
    assert max(asked.values()) <= 12, asked
