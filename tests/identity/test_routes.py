"""Signing in and out through HTTP: browsers, integrators."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import Session

from tests.factories import PASSWORD, given_branch, given_person, visitor

GOOD = {"login": "dispatcher", "password": PASSWORD}


def test_a_browser_signs_in_and_is_known_by_its_cookie(app: Flask, session: Session) -> None:
    given_person(session, given_branch(session))
    browser = visitor(app)
    answer = browser.post("/api/v1/session", json=GOOD)
    assert answer.status_code == 201, answer.text
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    me = browser.get("/api/v1/me").get_json()
    assert me["roles"] == ["dispatcher"]
    assert me["branches"][0]["bbox"] == [120.0, 30.1, 120.2, 30.3]
    assert me["branches"][0]["center"] == [120.1, 30.2]
    assert "dispatch" in me["permissions"]
    assert me["stream_url"] == "/api/v1/stream"
    assert me["server_time"] == "2026-07-16T00:00:00+00:00"
