"""Every route, walked by people who have no business there: strangers learn nothing and change nothing.

The routes are taken from the application itself: a new one without an entry in `walk` fails.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.identity.models import Role
from app.jobs.models import Job
from app.kernel.ids import new_id
from tests.api.town import Town, given_town
from tests.api.walk import CANARY, SIGNING_IN, census, leaks, requests_to, spoken, walk, ways
from tests.factories import PASSWORD, Tablet, TabletKey, bearer, given_person, given_tablet, visitor
from tests.factories_field import given_crew, given_forms

FAR_CENTRE = (100.5, 13.7)


@pytest.fixture
def town(app: Flask, session: Session) -> Town:
    given_forms(session)
    return given_town(app, session, CANARY)


@pytest.fixture
def stranger(app: Flask, session: Session, town: Town) -> Town:
    """Another branch with everything of its own, whose boss may do all there is."""
    assert town.branch.code == CANARY
    return given_town(app, session, "FAR", centre=FAR_CENTRE)


def test_every_route_has_an_entry_here(app: Flask, town: Town) -> None:
    known = requests_to(town)
    assert {(method, rule.rule) for method, rule in ways(app)} == set(known)


def test_a_boss_of_another_branch_learns_nothing_and_changes_nothing(
    app: Flask, session: Session, town: Town, stranger: Town
) -> None:
    before = census(session)
    for address, attempt, answer in walk(app, town, visitor(app), bearer(app, stranger.boss)):
        assert answer.status_code in attempt.allowed, (address, answer.status_code, answer.text[:300])
        assert leaks(town, answer, address, attempt.told_back) == [], (address, answer.text[:500])
    assert census(session) == before


def test_a_tablet_of_another_branch_learns_nothing_and_changes_nothing(
    app: Flask, session: Session, town: Town, stranger: Town
) -> None:
    before = census(session)
    for address, attempt, answer in walk(app, town, visitor(app), stranger.tablet.headers):
        assert answer.status_code in attempt.allowed, (address, answer.status_code, answer.text[:300])
        assert leaks(town, answer, address, attempt.told_back) == [], (address, answer.text[:500])
        if address.startswith("POST /sync/v1/push"):
            assert [result["status"] for result in answer.get_json()["results"]] == ["quarantined"]
        if address.startswith("POST /sync/v1/blobs/check"):
            assert [blob["state"] for blob in answer.get_json()["blobs"]] == ["missing"], "not even that we have it"
    assert session.get_one(Job, town.ids["job_id"], populate_existing=True).note != "taken over"
    assert census(session) == before


def test_somebody_who_has_not_signed_in_learns_nothing_and_changes_nothing(
    app: Flask, session: Session, town: Town
) -> None:
    before = census(session)
    for address, attempt, answer in walk(app, town, visitor(app), {}):
        expected = 204 if address.startswith("OPTIONS") else 401
        assert answer.status_code == expected, (address, answer.status_code, answer.text[:300])
        assert leaks(town, answer, address, attempt.told_back) == [], (address, answer.text[:500])
    assert census(session) == before


def test_a_colleague_without_a_role_learns_nothing_about_the_work(app: Flask, session: Session, town: Town) -> None:
    nobody = given_person(session, town.branch, "newcomer", [])
    before = census(session)
    for address, attempt, answer in walk(app, town, visitor(app), bearer(app, nobody)):
        assert answer.status_code in attempt.allowed, (address, answer.status_code, answer.text[:300])
        assert leaks(town, answer, address, attempt.told_back) == [], (address, answer.text[:500])
    assert census(session) == before


def test_a_crew_member_sees_the_jobs_of_their_own_crew_only(app: Flask, session: Session, town: Town) -> None:
    mate = given_person(session, town.branch, "mate", [Role.CREW_MEMBER])
    work = {name: town.ids[name] for name in ("job_id", "outage_id", "assignment_id", "attachment_id", "premises_id")}
    for address, _, answer in walk(app, town, visitor(app), bearer(app, mate)):
        said = spoken(answer)
        seen = [mark for mark in (*work.values(), town.phone) if mark in said and mark not in address]
        assert seen == [], (address, answer.text[:500])
    own = visitor(app).get("/api/v1/jobs", headers=bearer(app, town.lineman)).get_json()["items"]
    assert [job["id"] for job in own] == [town.ids["job_id"]]


def test_a_tablet_of_another_crew_holds_nothing_of_the_job(app: Flask, session: Session, town: Town) -> None:
    _, mate = given_crew(session, town.branch, "OTHER", login="mate")
    work = [town.ids[name] for name in ("job_id", "outage_id", "assignment_id", "attachment_id", "premises_id")]
    asked = {"epoch": None, "cursors": {f"crew:{town.ids['crew_id']}": 0}, "limit": 500}

    def pulled(tablet: Tablet) -> str:
        answer = visitor(app).post("/sync/v1/pull", json=asked, headers=tablet.headers)
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["changes"])

    other, own = pulled(given_tablet(app, session, mate)), pulled(town.tablet)
    marks = [*work, town.phone, f"{CANARY}-ADDRESS", f"{CANARY}-CREW"]
    assert [mark for mark in marks if mark in other] == []
    assert town.ids["job_id"] in own
    assert f"{CANARY}-ADDRESS" in own


def test_doors_where_one_signs_in_give_a_guess_nothing(app: Flask, session: Session, town: Town) -> None:
    login, key = town.boss.login, TabletKey()
    proof = {"device_id": town.ids["device_id"], "nonce": str(new_id()), "signature": key.sign("anything")}
    guesses: dict[str, dict[str, Any]] = {
        "/api/v1/session": {"login": login, "password": "guess"},
        "/api/v1/tokens": {"login": login, "password": "guess"},
        "/api/v1/tokens/refresh": {"refresh_token": "guess"},
        "/sync/v1/enrol": {"login": login, "password": "guess", "code": "guess", "public_key": key.jwk},
        "/sync/v1/session": {**proof, "refresh_token": "guess", "signed_at": "2026-07-16T00:00:00Z"},
        "/sync/v1/session/login": {**proof, "login": login, "password": PASSWORD},
        "/sync/v1/erased": proof,
    }
    assert set(guesses) == SIGNING_IN
    before = census(session)
    for path, guess in guesses.items():
        answer = visitor(app).post(path, json=guess)
        assert answer.status_code == 401, (path, answer.text)
        assert leaks(town, answer, path) == []
    assert census(session) == before


def test_the_town_itself_sees_all_of_this(app: Flask, town: Town) -> None:
    """The walks above must not be right by walking past: on the same addresses the town's own boss is answered."""
    said = ""
    for address, _, answer in walk(app, town, visitor(app), bearer(app, town.boss), only={"GET"}):
        if "/api/v1/" in address:
            assert answer.status_code == 200, (address, answer.status_code, answer.text[:300])
        said += spoken(answer)
    unseen = {name for name, value in town.ids.items() if len(value) >= 16 and value not in said}
    assert unseen == {"upload_id"}
    assert CANARY in said
    assert town.phone in said
