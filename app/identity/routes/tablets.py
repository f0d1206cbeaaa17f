"""Doors: a tablet enrols, keeps its login fresh, changes hands."""

from __future__ import annotations

from typing import Any

from flask import request

from app.identity.schemas import EnrolIn, TabletLoginIn, TabletOut, TabletProof, TabletRefreshIn
from app.identity.service import tablets
from app.identity.service.tablets import Enrolment
from app.kernel.web import Blueprint, anyone, current_uow, keyless

blp = Blueprint("tablets", __name__, url_prefix="/sync/v1", description="Tablets sign in")


@blp.post("/enrol")
@blp.arguments(EnrolIn)
@blp.response(201, TabletOut)
@keyless
@anyone
def enrol(body: dict[str, Any]) -> Enrolment:
    """Make a tablet known by its public key and a one-time code"""
    return tablets.enrol(current_uow(), **body, address=request.remote_addr)


@blp.post("/session")
@blp.arguments(TabletRefreshIn)
@blp.response(200, TabletOut)
@keyless
@anyone
def refresh_session(body: dict[str, Any]) -> Enrolment:
    """Exchange a refresh token, with a signature over `device_id.refresh_token.nonce`, for the next tokens"""
    shown = {name: body[name] for name in ("device_id", "refresh_token", "nonce", "signature")}
    return tablets.refresh_on_tablet(current_uow(), **shown)


@blp.post("/session/login")
@blp.arguments(TabletLoginIn)
@blp.response(200, TabletOut)
@keyless
@anyone
def sign_in_on_tablet(body: dict[str, Any]) -> Enrolment:
    """Sign a person in on an enrolled tablet, with a signature over `device_id.login.nonce`"""
    return tablets.sign_in_on_tablet(current_uow(), **body, address=request.remote_addr)


@blp.post("/erased")
@blp.arguments(TabletProof)
@blp.response(204)
@keyless
@anyone
def confirm_erased(body: dict[str, Any]) -> None:
    """Say that the tablet has erased itself, with a signature over `device_id.erased.nonce` made before"""
    tablets.erased(current_uow(), **body)
