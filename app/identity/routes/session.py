"""Doors: signing in and out, one's own choices, tokens for integrators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request
from werkzeug.http import dump_cookie

from app.identity.schemas import (
    CredentialsIn,
    GisKeyIn,
    GisKeyMade,
    GisKeysOut,
    MeIn,
    MeOut,
    RefreshIn,
    TokenPairOut,
)
from app.identity.service import COOKIE, gis_keys, logins, people, refresh
from app.identity.service.logins import TokenPair
from app.kernel.web import Blueprint, anyone, current_uow, keyless, runtime

blp = Blueprint("session", __name__, url_prefix="/api/v1", description="Signing in and out")

STREAM_PATH = "/api/v1/stream"


@blp.post("/session")
@blp.arguments(CredentialsIn)
@blp.response(201, MeOut)
@keyless
@anyone
def sign_in(credentials: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Sign in from a browser; the answer sets the session cookie"""
    token = logins.sign_in_browser(current_uow(), **credentials, address=request.remote_addr)
    return _me(people.me(current_uow())), {"Set-Cookie": _cookie(token)}


@blp.delete("/session")
@blp.response(204)
@keyless
@anyone
def sign_out() -> tuple[str, dict[str, str]]:
    """Sign out of this browser"""
    logins.sign_out_browser(current_uow())
    return "", {"Set-Cookie": _cookie("", max_age=0)}


@blp.get("/me")
@blp.response(200, MeOut)
def read_me() -> dict[str, Any]:
    """Read who is signed in"""
    return _me(people.me(current_uow()))


@blp.patch("/me")
@blp.arguments(MeIn)
@blp.response(200, MeOut)
def change_me(choices: dict[str, str]) -> dict[str, Any]:
    """Choose the language of one's screens"""
    return _me(people.choose_locale(current_uow(), **choices))


@blp.post("/tokens")
@blp.arguments(CredentialsIn)
@blp.response(201, TokenPairOut)
@keyless
@anyone
def issue_tokens(credentials: dict[str, str]) -> TokenPair:
    """Sign in as an integrator"""
    return logins.sign_in_api(current_uow(), **credentials, address=request.remote_addr)


@blp.post("/tokens/refresh")
@blp.arguments(RefreshIn)
@blp.response(200, TokenPairOut)
@keyless
@anyone
def refresh_tokens(body: dict[str, str]) -> TokenPair:
    """Exchange the newest refresh token for the next pair; an older one ends the login"""
    return refresh.refresh(current_uow(), body["refresh_token"])


@blp.get("/me/gis-keys")
@blp.response(200, GisKeysOut)
def list_gis_keys() -> dict[str, Any]:
    """List one's keys for GIS programs, newest first"""
    return {"items": gis_keys.own_keys(current_uow())}


@blp.post("/me/gis-keys")
@blp.arguments(GisKeyIn)
@blp.response(201, GisKeyMade)
@keyless  # a kept answer would hold the secret in the clear
def make_gis_key(body: dict[str, Any]) -> dict[str, Any]:
    """Make a key with which a GIS program reads maps as oneself; its secret is shown once"""
    key, secret = gis_keys.make_key(current_uow(), **body)
    return {"key": key, "secret": secret}


@blp.delete("/me/gis-keys/<uuid:gis_key_id>")
@blp.response(204)
def revoke_gis_key(gis_key_id: UUID) -> None:
    """End a key of one's own"""
    gis_keys.revoke_key(current_uow(), gis_key_id)


def _me(me: people.Me) -> dict[str, Any]:
    return {
        "person": me.person,
        "roles": me.roles,
        "branches": me.branches,
        "permissions": me.permissions,
        "stream_url": runtime().settings.stream_origin + STREAM_PATH,
        "server_time": current_uow().now,
    }


def _cookie(token: str, *, max_age: int | None = None) -> str:
    """Out of reach of scripts, never sent along from another site."""
    secure = runtime().settings.cookie_secure
    return dump_cookie(COOKIE, token, max_age=max_age, httponly=True, samesite="Strict", secure=secure)
