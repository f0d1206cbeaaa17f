"""Keys of GIS programs: made by oneself, shown once, good for maps only, for a time, until revoked."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.identity.models import AuditEntry, Branch, GisKey, Person, Role, RoleGrant
from app.identity.rules import MOST_GIS_KEYS
from app.kernel.clock import FrozenClock
from tests.factories import Client, given_branch, given_person, signed_in, visitor

KEYS = "/api/v1/me/gis-keys"
A_WHILE_LATER = datetime(2028, 1, 1, tzinfo=UTC)


@pytest.fixture
def person(session: Session) -> Person:
    return given_person(session, given_branch(session))


@pytest.fixture
def desk(app: Flask, person: Person) -> Client:
    return signed_in(app, person)


def made(desk: Client, **body: object) -> tuple[str, dict[str, str]]:
    """The key's id and the header that a program sends with its secret."""
    answer = desk.post(KEYS, json={"name": "QGIS", **body}, key=None)
    assert answer.status_code == 201, answer.text
    told = answer.get_json()
    return told["key"]["id"], basic(told["secret"])


def basic(secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{secret}".encode()).decode()}


def seen(app: Flask, headers: dict[str, str]) -> int:
    return visitor(app).get("/ogc/collections/jobs/items", headers=headers).status_code


def deeds(session: Session) -> list[str]:
    session.expire_all()
    return [deed for deed in session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)) if "gis" in deed]


def test_a_key_opens_the_doors_of_maps_and_no_other(app: Flask, desk: Client) -> None:
    _, key = made(desk)
    token = base64.b64decode(key["Authorization"].removeprefix("Basic ")).decode().partition(":")[2]
    for headers in (key, {"Authorization": f"Bearer {token}"}):
        assert seen(app, headers) == 200
        assert visitor(app).get("/api/v1/tiles/premises/14/13660/6735.mvt", headers=headers).status_code == 200
        for path in ("/api/v1/me", "/api/v1/jobs", "/api/v1/me/gis-keys", "/api/v1/map/features"):
            assert visitor(app).get(path, headers=headers).status_code == 401, path


def test_a_key_shows_no_more_than_its_maker_may_see_now(app: Flask, session: Session, person: Person) -> None:
    _, key = made(signed_in(app, person))
    assert seen(app, key) == 200
    session.execute(update(RoleGrant).where(RoleGrant.person_id == person.id).values(role=Role.CREW_MEMBER))
    session.commit()
    assert seen(app, key) == 403


def test_the_secret_is_shown_once_and_kept_as_a_hash(desk: Client, session: Session) -> None:
    key_id, key = made(desk, name="Office QGIS", days=30)
    listed = desk.get(KEYS)
    (one,) = listed.get_json()["items"]
    assert (one["id"], one["name"], one["last_used_at"], one["revoked_at"]) == (key_id, "Office QGIS", None, None)
    assert one["expires_at"] == "2026-08-15T00:00:00+00:00"
    assert "secret" not in listed.text
    row = session.scalars(select(GisKey)).one()
    assert len(row.key_hash) == 32
    assert key["Authorization"].encode() not in row.key_hash


def test_a_revoked_key_opens_nothing_any_more(app: Flask, desk: Client, session: Session) -> None:
    key_id, key = made(desk)
    assert seen(app, key) == 200
    for _ in range(2):
        assert desk.delete(f"{KEYS}/{key_id}").status_code == 204
    assert seen(app, key) == 401
    assert deeds(session) == ["gis_key_made", "gis_key_used", "gis_key_revoked"]


def test_a_key_ends_by_itself_and_with_its_makers_account(
    app: Flask, desk: Client, session: Session, clock: FrozenClock, person: Person
) -> None:
    _, short = made(desk, days=1)
    _, long = made(desk, days=366)
    clock.tick(days=1)
    assert (seen(app, short), seen(app, long)) == (401, 200)
    session.execute(update(Person).where(Person.id == person.id).values(active=False))
    session.commit()
    assert seen(app, long) == 401


def test_use_is_noted_once_an_hour(app: Flask, desk: Client, session: Session, clock: FrozenClock) -> None:
    _, key = made(desk)
    for minutes in (0, 59, 2, 1):
        clock.tick(minutes=minutes)
        assert seen(app, key) == 200
    assert deeds(session) == ["gis_key_made", "gis_key_used", "gis_key_used"]


@pytest.mark.parametrize("secret", ["", "gis_", "gis_wrong", "wrong", "密码"])
def test_a_wrong_key_opens_nothing(app: Flask, desk: Client, secret: str) -> None:
    assert desk.get(KEYS).status_code == 200
    assert seen(app, basic(secret)) == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "name"), ({"name": ""}, "name"), ({"name": "x", "days": 0}, "days"), ({"name": "x", "days": 367}, "days")],
)
def test_a_key_without_a_name_or_without_an_end_is_refused(desk: Client, body: dict[str, object], field: str) -> None:
    answer = desk.post(KEYS, json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_twenty_good_keys_are_enough(app: Flask, desk: Client, clock: FrozenClock, person: Person) -> None:
    for _ in range(MOST_GIS_KEYS):
        made(desk, days=1)
    refused = desk.post(KEYS, json={"name": "one more"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "too-many-gis-keys")
    clock.tick(days=2)
    made(signed_in(app, person))


def test_nobody_ends_somebody_elses_key(app: Flask, desk: Client, session: Session, person: Person) -> None:
    key_id, key = made(desk)
    colleague = signed_in(
        app, given_person(session, session.get_one(Branch, person.branch_id), "colleague", [Role.ADMIN])
    )
    assert colleague.get(KEYS).get_json()["items"] == []
    assert colleague.delete(f"{KEYS}/{key_id}").status_code == 404
    assert seen(app, key) == 200


def test_the_database_keeps_no_key_without_an_end(desk: Client, session: Session) -> None:
    made(desk)
    with pytest.raises(IntegrityError, match="ck_gis_key_expires_at"):
        session.execute(update(GisKey).values(expires_at=A_WHILE_LATER))
