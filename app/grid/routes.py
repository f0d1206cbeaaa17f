"""Doors of the networks at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from flask import Response

from app.grid import queries, service
from app.grid.queries import LogEntry
from app.grid.schemas import (
    BetweenArgs,
    IsolationArgs,
    IsolationOut,
    LinkOut,
    MarkIn,
    NodeOut,
    SwitchgearOut,
    SwitchIn,
    SwitchingArgs,
    SwitchingOut,
    SwitchingPage,
    TraceArgs,
    TracedOut,
)
from app.grid.service import Isolated, Traced
from app.kernel.actor import Permission
from app.kernel.paging import page
from app.kernel.problem_json import JSON
from app.kernel.web import Blueprint, current_uow

if TYPE_CHECKING:
    from app.network.models import NetworkLink

blp = Blueprint("network", __name__, url_prefix="/api/v1/network", description="Traces, isolation and switching")

GEOJSON = "application/geo+json"


@blp.get("/supply")
@blp.arguments(TraceArgs, location="query")
@blp.response(200, TracedOut, content_type=GEOJSON)
def trace(args: dict[str, Any]) -> Response:
    """Follow the supply down to all that loses it, or up to its source"""
    return Response(_collection(service.trace(current_uow(), **args)), content_type=GEOJSON)


@blp.get("/between")
@blp.arguments(BetweenArgs, location="query")
@blp.response(200, TracedOut, content_type=GEOJSON)
def trace_between(args: dict[str, Any]) -> Response:
    """Find the closed way between two nodes"""
    return Response(_collection(service.trace_between(current_uow(), **args)), content_type=GEOJSON)


@blp.get("/isolation")
@blp.arguments(IsolationArgs, location="query")
@blp.response(200, IsolationOut)
def isolate(args: dict[str, Any]) -> Response:
    """Say which switches or valves part a fault or leak, who is dark then and who can be fed meanwhile"""
    return Response(_isolation(service.isolate(current_uow(), **args)), content_type=JSON)


@blp.get("/nodes/<uuid:node_id>")
@blp.response(200, NodeOut)
def show_node(node_id: UUID) -> dict[str, Any]:
    """Show what stands at a node"""
    return service.look_at(current_uow(), node_id=node_id)


@blp.get("/links/<uuid:link_id>")
@blp.response(200, LinkOut)
def show_link(link_id: UUID) -> dict[str, Any]:
    """Show a line, pipe, switch or valve"""
    return service.look_at(current_uow(), link_id=link_id)


@blp.post("/links/<uuid:link_id>/switching")
@blp.arguments(SwitchIn)
@blp.response(201, SwitchingOut)
def operate(args: dict[str, Any], link_id: UUID) -> LogEntry:
    """Note that a switch or valve was operated"""
    return service.operate(current_uow(), link_id=link_id, **args)


@blp.post("/switching/<uuid:switching_id>/undo")
@blp.response(201, SwitchingOut)
def undo(switching_id: UUID) -> LogEntry:
    """Take an operation back"""
    return service.undo(current_uow(), switching_id=switching_id)


@blp.put("/links/<uuid:link_id>/condition")
@blp.arguments(MarkIn)
@blp.response(200, SwitchgearOut)
def mark(args: dict[str, Any], link_id: UUID) -> NetworkLink:
    """Note that a device cannot be turned, or that it can again"""
    return service.mark_stuck(current_uow(), link_id=link_id, **args)


@blp.get("/switching")
@blp.arguments(SwitchingArgs, location="query")
@blp.response(200, SwitchingPage)
def list_switching(args: dict[str, Any]) -> dict[str, Any]:
    """List operations, newest first"""
    uow = current_uow()
    branches = uow.actor.must_somewhere(Permission.READ_ALL_JOBS)
    wanted = {"link_id": args.get("link_id"), "limit": args["limit"], "cursor": args.get("cursor")}
    rows = queries.switching_log(uow.session, branches, **wanted)
    return page(rows, args["limit"], lambda row: (row.switching.at.isoformat(), row.switching.id))


def _collection(traced: Traced) -> bytes:
    """The collection; its features come from the database as text and are not read again."""
    summary = {
        "type": "FeatureCollection",
        "commodity": traced.commodity,
        "nodes": traced.nodes,
        "links": traced.links,
        "looped": traced.looped,
        "customers": traced.customers,
    }
    return orjson.dumps(summary)[:-1] + b',"features":' + traced.features.encode() + b"}"


def _isolation(found: Isolated) -> bytes:
    whole = IsolationOut(exclude=("section", "beyond")).dump(found)
    drawn = b',"section":' + _collection(found.section) + b',"beyond":' + _collection(found.beyond) + b"}"
    return orjson.dumps(whole)[:-1] + drawn
