"""Doors of the fleet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.fleet import pages
from app.fleet.schemas import (
    ActedOut,
    FleetArgs,
    FleetCsvArgs,
    FleetPage,
    FleetTablet,
    IncidentsArgs,
    IncidentsPage,
    OpsArgs,
    OpsPage,
    RefuseIn,
    RepairIn,
    ReplayIn,
)
from app.fleet.service import ops, tablets
from app.fleet.service.tablets import Wanted
from app.kernel.actor import Permission
from app.kernel.paging import decode_cursor, page
from app.kernel.problem_json import language
from app.kernel.problems import FieldError, Invalid
from app.kernel.web import Blueprint, current_uow, minds_revision, must_match

blp = Blueprint("fleet", __name__, url_prefix="/api/v1", description="How the tablets of a branch fare")


@blp.get("/fleet")
@blp.arguments(FleetArgs, location="query")
@blp.response(200, FleetPage)
def list_fleet(args: dict[str, Any]) -> dict[str, Any]:
    """List tablets and how they fare, the worst first"""
    page = {name: args.pop(name, None) for name in ("sort", "cursor", "limit")}
    listed = tablets.tablets(current_uow(), Wanted(**args), **page)
    return {**vars(listed), "items": [one.flat() for one in listed.items]}


@blp.get("/fleet.csv")
@blp.arguments(FleetCsvArgs, location="query")
@blp.response(200, {"type": "string"}, content_type="text/csv")
def export_fleet(args: dict[str, Any]) -> Response:
    """Export the fleet as a table"""
    uow = current_uow()
    uow.actor.must_somewhere(Permission.READ_FLEET)
    table = tablets.stream_csv(uow.runtime, uow.actor, Wanted(**args))
    headers = {"Content-Disposition": 'attachment; filename="fleet.csv"'}
    return Response(table, content_type="text/csv; charset=utf-8", headers=headers)


@blp.get("/fleet/<uuid:device_id>")
@blp.response(200, FleetTablet)
def show_tablet(device_id: UUID) -> dict[str, Any]:
    """Show how one tablet fares"""
    return tablets.tablet(current_uow(), device_id).flat()


@blp.get("/fleet/<uuid:device_id>/incidents")
@blp.arguments(IncidentsArgs, location="query")
@blp.response(200, IncidentsPage)
def list_incidents(args: dict[str, Any], device_id: UUID) -> dict[str, Any]:
    """List when what a tablet holds did not add up, and how it healed"""
    return {"items": tablets.incidents(current_uow(), device_id, **args)}


@blp.get("/fleet/<uuid:device_id>/ops")
@blp.arguments(OpsArgs, location="query")
@blp.response(200, OpsPage)
def list_ops(args: dict[str, Any], device_id: UUID) -> dict[str, Any]:
    """List what came from a tablet and waits, or what the centre has ended of it"""
    decided, limit = args["state"] == "decided", args["limit"]
    found = ops.list_ops(current_uow(), device_id, decided=decided, after=_place(args.get("cursor")), limit=limit)
    listed = page(found, limit, lambda row: (row.op_no,))
    return {**listed, "items": [pages.op_page(row, language()) for row in listed["items"]]}


def _place(cursor: str | None) -> int:
    keys = decode_cursor(cursor, keys=1)
    if keys is None:
        return 0
    if not (keys[0].isascii() and keys[0].isdigit() and len(keys[0]) < 17):
        raise Invalid(FieldError("cursor", "invalid"))
    return int(keys[0])


@blp.post("/fleet/<uuid:device_id>/ops/<int:op_no>/replay")
@blp.arguments(ReplayIn)
@blp.response(200, ActedOut)
@minds_revision
def replay_op(word: dict[str, Any], device_id: UUID, op_no: int) -> dict[str, Any]:
    """Judge again what nobody could judge, as it came"""
    uow = current_uow()
    device, op = ops.lock_op(uow, device_id, op_no)
    must_match(op.rev)
    return pages.acted(ops.replay(uow, device, op, **word), op_no, language())


@blp.post("/fleet/<uuid:device_id>/ops/<int:op_no>/repair")
@blp.arguments(RepairIn)
@blp.response(200, ActedOut)
@minds_revision
def repair_op(word: dict[str, Any], device_id: UUID, op_no: int) -> dict[str, Any]:
    """Judge it again with other fields"""
    uow = current_uow()
    device, op = ops.lock_op(uow, device_id, op_no)
    must_match(op.rev)
    return pages.acted(ops.repair(uow, device, op, **word), op_no, language())


@blp.post("/fleet/<uuid:device_id>/ops/<int:op_no>/refuse")
@blp.arguments(RefuseIn)
@blp.response(200, ActedOut)
@minds_revision
def refuse_op(word: dict[str, Any], device_id: UUID, op_no: int) -> dict[str, Any]:
    """End it: it is not to be applied"""
    uow = current_uow()
    device, op = ops.lock_op(uow, device_id, op_no)
    must_match(op.rev)
    return pages.acted(ops.refuse(uow, device, op, **word), op_no, language())
