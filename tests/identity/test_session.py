"""Signing in and out through HTTP: browsers and integrators."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.factory import create_app
from app.identity.models import AuditEntry, LoginThrottle, Person, SignedIn
from app.identity.service import forget_stale
from app.kernel.clock import FrozenClock
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime
from tests.factories import PASSWORD, Client, given_branch, given_person, signed_in, visitor

GOOD = {"login": "dispatcher", "password": PASSWORD}
WRONG = {"login": "dispatcher", "password": "not-the-password"}


@pytest.fixture
def dispatcher(session: Session) -> Person:
    return given_person(session, given_branch(session))


def deeds(session: Session) -> list[str]:
    session.expire_all()
    return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.at, AuditEntry.id)))


def test_a_browser_signs_in_and_is_known_by_its_cookie(app: Flask, dispatcher: Person) -> None:
    browser = visitor(app)
    answer = browser.post("/api/v1/session", json=GOOD)
    assert answer.status_code == 201, answer.text
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    me = browser.get("/api/v1/me").get_json()
    assert me["id"] == str(dispatcher.id)
    assert me["roles"] == ["dispatcher"]
    assert me["branches"][0]["timezone"] == "Asia/Shanghai"
    assert me["branches"][0]["bbox"] == [120.0, 30.1, 120.2, 30.3]
    assert me["branches"][0]["center"] == [120.1, 30.2]
    assert "dispatch" in me["permissions"]
    assert me["stream_url"] == "/api/v1/stream"
    assert me["server_time"] == "2026-07-16T00:00:00+00:00"


def test_logins_do_not_care_for_capitals_or_blanks_around(app: Flask, dispatcher: Person) -> None:
    assert dispatcher.login == "dispatcher"
    answer = visitor(app).post("/api/v1/session", json={"login": " Dispatcher ", "password": PASSWORD})
    assert answer.status_code == 201


def test_signing_out_ends_the_login_and_clears_the_cookie(app: Flask, dispatcher: Person, session: Session) -> None:
    browser = signed_in(app, dispatcher)
    stolen = browser.get_cookie("session")
    assert stolen is not None
    assert browser.delete("/api/v1/session").status_code == 204
    assert browser.get_cookie("session") is None
    thief = visitor(app)
    thief.set_cookie("session", stolen.value)
    assert thief.get("/api/v1/me").get_json()["code"] == "sign-in-again"
    assert visitor(app).delete("/api/v1/session").status_code == 204
    assert deeds(session) == ["signed_out"]


def test_a_wrong_password_and_an_unknown_login_are_refused_alike(app: Flask, dispatcher: Person) -> None:
    assert dispatcher.login
    wrong = visitor(app).post("/api/v1/session", json=WRONG)
    unknown = visitor(app).post("/api/v1/session", json={"login": "nobody", "password": PASSWORD})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.get_json() == unknown.get_json()
    assert wrong.get_json()["code"] == "wrong-password"
    assert wrong.content_type == "application/problem+json"
    assert wrong.get_json()["title"] == "账号或密码错误"


def test_a_closed_account_cannot_sign_in_and_its_logins_end(app: Flask, session: Session, dispatcher: Person) -> None:
    browser = signed_in(app, dispatcher)
    dispatcher.active = False
    session.commit()
    assert browser.get("/api/v1/me").status_code == 401
    assert visitor(app).post("/api/v1/session", json=GOOD).get_json()["code"] == "wrong-password"


def test_failed_logins_are_kept_in_the_trail_without_what_was_typed(
    app: Flask, session: Session, dispatcher: Person
) -> None:
    visitor(app).post("/api/v1/session", json=WRONG)
    visitor(app).post("/api/v1/session", json={"login": "my-secret-passphrase", "password": "x"})
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.entity_id) for entry in entries] == [
        ("login_failed", dispatcher.id),
        ("login_failed", None),
    ]
    kept = " ".join(row.subject for row in session.scalars(select(LoginThrottle)))
    assert "my-secret-passphrase" not in kept
    assert "127.0.0.1" not in kept


def test_after_five_failures_the_next_try_waits_even_with_the_right_password(
    app: Flask, dispatcher: Person, clock: FrozenClock
) -> None:
    browser = visitor(app)
    assert dispatcher.login
    for _ in range(5):
        assert browser.post("/api/v1/session", json=WRONG).status_code == 401
    blocked = browser.post("/api/v1/session", json=GOOD)
    assert blocked.status_code == 429
    assert blocked.get_json()["code"] == "too-many-logins"
    assert int(blocked.headers["Retry-After"]) == 6
    assert browser.post("/api/v1/session", json={"login": "other", "password": "x"}).status_code == 401
    clock.tick(seconds=6)
    assert browser.post("/api/v1/session", json=GOOD).status_code == 201
    assert browser.post("/api/v1/session", json=WRONG).status_code == 401, "a good login forgets the failures"


def test_an_address_that_tries_many_logins_waits_too(app: Flask, dispatcher: Person) -> None:
    browser = visitor(app)
    assert dispatcher.login
    answers = [
        browser.post("/api/v1/session", json={"login": f"guess{number}", "password": "x"}).status_code
        for number in range(52)
    ]
    assert answers.count(401) == 50
    assert answers[-1] == 429


def test_a_browser_login_dies_after_twelve_idle_hours_and_not_before(
    app: Flask, dispatcher: Person, clock: FrozenClock
) -> None:
    browser = signed_in(app, dispatcher)
    for _ in range(4):
        clock.tick(hours=11, minutes=59)
        assert browser.get("/api/v1/me").status_code == 200
    clock.tick(hours=12)
    assert browser.get("/api/v1/me").get_json()["code"] == "token-expired"


def test_a_browser_login_ends_after_a_week_however_busy(app: Flask, dispatcher: Person, clock: FrozenClock) -> None:
    browser = signed_in(app, dispatcher)
    for _ in range(16):
        clock.tick(hours=10)
        assert browser.get("/api/v1/me").status_code == 200
    clock.tick(hours=10)
    assert browser.get("/api/v1/me").status_code == 401


def test_knowing_who_asks_costs_one_statement(app: Flask, dispatcher: Person, clock: FrozenClock) -> None:
    browser = signed_in(app, dispatcher)
    browser.get("/api/v1/me")
    clock.tick(seconds=59)
    with count_queries() as within_the_minute:
        assert browser.get("/api/v1/devices").status_code == 403  # refused: nothing but the actor is read
    assert within_the_minute.total == 1
    clock.tick(seconds=1)
    with count_queries() as after_a_minute:
        assert browser.get("/api/v1/me").status_code == 200
    assert [statement.split()[0] for statement in after_a_minute.statements] == ["SELECT", "UPDATE", "SELECT", "SELECT"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: next(iter(headers.values())),
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/v1/session"), ("DELETE", "/api/v1/session"), ("PATCH", "/api/v1/me")]
)
def test_another_site_cannot_use_the_cookie_nor_plant_one(
    app: Flask, dispatcher: Person, headers: dict[str, str], method: str, path: str
) -> None:
    browser = signed_in(app, dispatcher)
    body = {"PATCH": {"locale": "en"}, "POST": GOOD}.get(method)
    answer = browser.open(path, method=method, json=body, headers=headers)
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "foreign-origin"
    assert "Set-Cookie" not in answer.headers
    assert browser.get("/api/v1/me").get_json()["locale"] == "zh-CN"


def test_our_own_pages_may_write(app: Flask, dispatcher: Person) -> None:
    browser = signed_in(app, dispatcher)
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert browser.patch("/api/v1/me", json={"locale": "en"}, headers=headers).get_json()["locale"] == "en"
    assert browser.get("/api/v1/me").get_json()["locale"] == "en"


def tokens(client: Client) -> dict[str, str]:
    answer = client.post("/api/v1/tokens", json=GOOD)
    assert answer.status_code == 201, answer.text
    body: dict[str, str] = answer.get_json()
    return body


def as_bearer(pair: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def test_an_integrator_signs_in_with_a_token_pair(app: Flask, dispatcher: Person, session: Session) -> None:
    client = visitor(app)
    pair = tokens(client)
    assert pair["access_expires_in"] == 600
    assert client.get("/api/v1/me", headers=as_bearer(pair)).get_json()["id"] == str(dispatcher.id)
    assert client.get("/api/v1/me").status_code == 401
    assert deeds(session) == ["signed_in"]
    kept = session.scalars(select(SignedIn)).one()
    assert pair["access_token"].encode() not in kept.access_hash


def test_a_bearer_token_goes_before_a_cookie_and_needs_no_origin(
    app: Flask, dispatcher: Person, session: Session
) -> None:
    other = given_person(session, given_branch(session, "B2"), "other")
    browser = signed_in(app, other)
    headers = {**as_bearer(tokens(visitor(app))), "Origin": "https://partner.example"}
    answer = browser.patch("/api/v1/me", json={"locale": "en"}, headers=headers)
    assert answer.get_json()["id"] == str(dispatcher.id)
    assert browser.get("/api/v1/me", headers={"Authorization": "Basic abc"}).status_code == 401


def test_an_access_token_expires_and_the_refresh_token_brings_the_next(
    app: Flask, dispatcher: Person, clock: FrozenClock
) -> None:
    client = visitor(app)
    assert dispatcher.login
    pair = tokens(client)
    clock.tick(minutes=10)
    expired = client.get("/api/v1/me", headers=as_bearer(pair))
    assert (expired.status_code, expired.get_json()["code"]) == (401, "token-expired")
    nonsense = client.get("/api/v1/me", headers={"Authorization": "Bearer nonsense"})
    assert (nonsense.status_code, nonsense.get_json()["code"]) == (401, "unauthenticated")
    renewed = client.post("/api/v1/tokens/refresh", json={"refresh_token": pair["refresh_token"]}).get_json()
    assert renewed["refresh_token"] != pair["refresh_token"]
    assert client.get("/api/v1/me", headers=as_bearer(renewed)).status_code == 200


def test_a_refresh_token_used_twice_ends_the_whole_login(app: Flask, dispatcher: Person, session: Session) -> None:
    client = visitor(app)
    assert dispatcher.login
    pair = tokens(client)
    renewed = client.post("/api/v1/tokens/refresh", json={"refresh_token": pair["refresh_token"]}).get_json()
    replay = client.post("/api/v1/tokens/refresh", json={"refresh_token": pair["refresh_token"]})
    assert (replay.status_code, replay.get_json()["code"]) == (401, "token-replayed")
    assert client.get("/api/v1/me", headers=as_bearer(renewed)).status_code == 401
    again = client.post("/api/v1/tokens/refresh", json={"refresh_token": renewed["refresh_token"]})
    assert again.get_json()["code"] == "sign-in-again"
    assert deeds(session) == ["signed_in", "token_replayed"]


def test_an_integrators_login_ends_after_thirty_days_without_a_refresh(
    app: Flask, dispatcher: Person, clock: FrozenClock
) -> None:
    client = visitor(app)
    assert dispatcher.login
    pair = tokens(client)
    clock.tick(days=30)
    answer = client.post("/api/v1/tokens/refresh", json={"refresh_token": pair["refresh_token"]})
    assert answer.get_json()["code"] == "sign-in-again"


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"login": "a"}, "password", "required"),
        ({"login": "a", "password": "b", "admin": True}, "admin", "unknown_field"),
        ({"login": "", "password": "b"}, "login", "length"),
        ({"login": "a", "password": None}, "password", "required"),
        ({"login": "a\u0000", "password": "b"}, "login", "unstorable"),
    ],
)
def test_a_login_form_that_does_not_fit_is_refused_by_field(
    app: Flask, body: dict[str, object], field: str, reason: str
) -> None:
    answer = visitor(app).post("/api/v1/session", json=body)
    assert answer.status_code == 422
    assert [(error["field"], error["reason"]) for error in answer.get_json()["errors"]] == [(field, reason)]


def test_stale_counts_and_ended_logins_are_forgotten(
    app: Flask, runtime: Runtime, session: Session, dispatcher: Person, clock: FrozenClock
) -> None:
    visitor(app).post("/api/v1/session", json=WRONG)
    old, open_one = signed_in(app, dispatcher), tokens(visitor(app))
    old.delete("/api/v1/session")

    def housekeeping() -> tuple[int, int]:
        with runtime.unit_of_work() as uow:
            forget_stale(uow)
        return len(session.scalars(select(LoginThrottle)).all()), len(session.scalars(select(SignedIn)).all())

    visitor(app).post("/api/v1/session", json={"login": "nobody", "password": "x"})
    assert housekeeping()[1] == 2
    clock.tick(days=1, seconds=1)
    assert housekeeping() == (0, 2)
    visitor(app).post("/api/v1/tokens/refresh", json={"refresh_token": open_one["refresh_token"]})
    clock.tick(days=29)
    assert housekeeping() == (0, 1)


@pytest.mark.parametrize(("proxies", "counted_apart"), [(0, False), (1, True)])
def test_callers_behind_a_trusted_proxy_are_told_apart_and_others_cannot_pretend(
    runtime: Runtime, session: Session, dispatcher: Person, proxies: int, counted_apart: bool
) -> None:
    assert dispatcher.login
    runtime.settings = replace(runtime.settings, trusted_proxies=proxies)
    web = create_app(runtime)
    for number in range(3):
        said = {"X-Forwarded-For": f"203.0.113.{number}"}
        visitor(web).post("/api/v1/session", json={"login": f"guess{number}", "password": "x"}, headers=said)
    counts = sorted(session.scalars(select(LoginThrottle.failures)))
    assert counts == ([1] * 6 if counted_apart else [1, 1, 1, 3])
