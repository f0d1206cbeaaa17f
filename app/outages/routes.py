"""Doors of outages, and of the calls that open them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Response

from app.kernel.actor import Permission
from app.kernel.problem_json import JSON
from app.kernel.web import Blueprint, current_uow, etag_of
from app.outages import merging, queries, service
from app.outages.causes import probable_causes
from app.outages.schemas import CallIn, CausesArgs, CausesOut, MergeIn, OutageOut, OutagePage, OutagesArgs, TakenOut
from app.outages.service import Taken

if TYPE_CHECKING:
    from app.outages.models import Outage

blp = Blueprint("outages", __name__, url_prefix="/api/v1", description="Calls and the outages they are about")


@blp.post("/calls")
@blp.arguments(CallIn)
@blp.response(201, TakenOut)
def take_call(args: dict[str, Any]) -> Taken:
    """Take a call about an outage or a leak"""
    return service.take_call(current_uow(), **args)


@blp.get("/outages")
@blp.arguments(OutagesArgs, location="query")
@blp.response(200, OutagePage)
def list_outages(args: dict[str, Any]) -> Response:
    """List outages, newest first"""
    uow = current_uow()
    branches = uow.actor.must_somewhere(Permission.READ_ALL_JOBS)
    page = {"limit": args["limit"], "cursor": args.get("cursor")}
    found = queries.outages_json(uow.session, branches, args.get("state"), **page)
    return Response(found, content_type=JSON)


@blp.get("/outages/causes")
@blp.arguments(CausesArgs, location="query")
@blp.response(200, CausesOut)
def list_causes(args: dict[str, Any]) -> dict[str, Any]:
    """Name the devices that most probably failed, from who has called and who has not"""
    return {"items": probable_causes(current_uow(), **args)}


@blp.post("/outages/<uuid:outage_id>/merges")
@blp.arguments(MergeIn)
@blp.response(200, OutageOut)
def merge(args: dict[str, Any], outage_id: UUID) -> Response:
    """Make other outages one with this"""
    return _shown(merging.merge(current_uow(), outage_id=outage_id, **args))


@blp.post("/outages/<uuid:outage_id>/unmerges")
@blp.arguments(MergeIn)
@blp.response(200, OutageOut)
def unmerge(args: dict[str, Any], outage_id: UUID) -> Response:
    """Take merges into this outage back"""
    return _shown(merging.unmerge(current_uow(), outage_id=outage_id, **args))


@blp.get("/outages/<uuid:outage_id>")
@blp.response(200, OutageOut)
def open_outage(outage_id: UUID) -> Response:
    """Show an outage with its jobs"""
    uow = current_uow()
    return _shown(queries.get_outage(uow.session, uow.actor, outage_id))


def _shown(outage: Outage) -> Response:
    session = current_uow().session
    session.flush()
    body = queries.outage_json(session, outage.id)
    return Response(body, content_type=JSON, headers={"ETag": etag_of(outage.rev)})
