"""Doors of demands. A call is taken through outages, because it joins or opens one."""

from __future__ import annotations

from typing import Any

from app.demands import service
from app.demands.queries import CallPage as Page
from app.demands.schemas import CallersArgs, CallersOut, CallPage, CallsArgs
from app.kernel.web import Blueprint, current_uow

blp = Blueprint("demands", __name__, url_prefix="/api/v1", description="What customers ask")


@blp.get("/calls")
@blp.arguments(CallsArgs, location="query")
@blp.response(200, CallPage)
def list_calls(args: dict[str, Any]) -> Page:
    """List calls of an outage, a phone number or a premises"""
    return service.list_calls(current_uow(), **args)


@blp.get("/parties")
@blp.arguments(CallersArgs, location="query")
@blp.response(200, CallersOut)
def list_callers(args: dict[str, Any]) -> service.Callers:
    """Say who calls from a phone number, and what they asked before"""
    return service.callers(current_uow(), **args)
