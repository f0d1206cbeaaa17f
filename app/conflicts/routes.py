"""Doors of conflicts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.conflicts import queries, service
from app.conflicts.schemas import (
    ConflictPage,
    ConflictsArgs,
    HandOverIn,
    HistoryPage,
    OwnersOut,
    SettledOut,
    SettlementIn,
)
from app.jobs import queries as jobs
from app.kernel.actor import Permission
from app.kernel.paging import PageArgs
from app.kernel.problem_json import JSON
from app.kernel.web import Blueprint, current_uow

blp = Blueprint("conflicts", __name__, url_prefix="/api/v1", description="Where a tablet and the server disagree")


@blp.get("/conflicts")
@blp.arguments(ConflictsArgs, location="query")
@blp.response(200, ConflictPage)
def list_conflicts(args: dict[str, Any]) -> Response:
    """List conflicts, newest first"""
    uow = current_uow()
    branches = uow.actor.must_somewhere(Permission.READ_ALL_JOBS)
    page = {"limit": args["limit"], "cursor": args.get("cursor"), "job_id": args.get("job_id")}
    found = queries.conflicts_json(uow.session, branches, open_=args["state"] == "open", **page)
    return Response(found, content_type=JSON)


@blp.post("/conflicts/settlements")
@blp.arguments(SettlementIn)
@blp.response(200, SettledOut)
def settle(decision: dict[str, Any]) -> dict[str, list[UUID]]:
    """Settle conflicts with one decision"""
    return {"settled": service.settle(current_uow(), **decision)}


@blp.post("/conflicts/<uuid:conflict_id>/acknowledgement")
@blp.response(204)
def acknowledge(conflict_id: UUID) -> None:
    """Say that the alarm has been seen"""
    service.acknowledge(current_uow(), conflict_id=conflict_id)


@blp.get("/conflicts/<uuid:conflict_id>/owners")
@blp.response(200, OwnersOut)
def list_owners(conflict_id: UUID) -> dict[str, Any]:
    """List who could decide"""
    return {"items": service.owners_of(current_uow(), conflict_id=conflict_id)}


@blp.put("/conflicts/<uuid:conflict_id>/owner")
@blp.arguments(HandOverIn)
@blp.response(204)
def hand_over(wanted: dict[str, Any], conflict_id: UUID) -> None:
    """Say who decides, and until when"""
    service.hand_over(current_uow(), conflict_id=conflict_id, **wanted)


@blp.get("/jobs/<uuid:job_id>/history")
@blp.arguments(PageArgs, location="query")
@blp.response(200, HistoryPage)
def show_history(args: dict[str, Any], job_id: UUID) -> Response:
    """Show every version of a job's records"""
    uow = current_uow()
    jobs.get_job(uow.session, uow.actor, job_id)
    found = queries.history_json(uow.session, job_id, limit=args["limit"], cursor=args.get("cursor"))
    return Response(found, content_type=JSON)
