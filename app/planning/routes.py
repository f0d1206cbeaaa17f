"""Doors of planning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.kernel.actor import Permission
from app.kernel.web import Blueprint, current_uow
from app.planning import queries, service
from app.planning.models import Plan
from app.planning.schemas import AcceptIn, PlanDetail, PlanIn, PlanOut, PlanPage, PlansArgs, StopIn, detail_json

blp = Blueprint("planning", __name__, url_prefix="/api/v1", description="Who goes where tomorrow")


@blp.post("/plans")
@blp.arguments(PlanIn)
@blp.response(201, PlanOut)
def propose_plan(wanted: dict[str, Any]) -> Plan:
    """Ask for a plan of a day"""
    return service.propose(current_uow(), **wanted)


@blp.get("/plans")
@blp.arguments(PlansArgs, location="query")
@blp.response(200, PlanPage)
def list_plans(args: dict[str, Any]) -> dict[str, Sequence[Plan]]:
    """List the newest plans of a day"""
    uow = current_uow()
    uow.actor.must(Permission.DISPATCH, args["branch_id"])
    return {"items": queries.plans_of(uow.session, **args)}


@blp.get("/plans/<uuid:plan_id>")
@blp.response(200, PlanDetail)
def open_plan(plan_id: UUID) -> dict[str, Any]:
    """Show a plan, how far it is, and what it would change"""
    uow = current_uow()
    plan = queries.get_plan(uow.session, uow.actor, plan_id)
    return detail_json(plan, queries.lines_of(uow.session, plan.id))


@blp.post("/plans/<uuid:plan_id>/stop")
@blp.arguments(StopIn)
@blp.response(200, PlanOut)
def stop_plan(body: dict[str, Any], plan_id: UUID) -> Plan:
    """Stop the making of a plan"""
    return service.stop(current_uow(), plan_id=plan_id, **body)


@blp.post("/plans/<uuid:plan_id>/accept")
@blp.arguments(AcceptIn)
@blp.response(200, PlanDetail)
def accept_plan(body: dict[str, Any], plan_id: UUID) -> dict[str, Any]:
    """Book what a plan proposes, all of it or some"""
    uow = current_uow()
    service.accept(uow, plan_id=plan_id, **body)
    uow.session.flush()
    plan = queries.get_plan(uow.session, uow.actor, plan_id)
    return detail_json(plan, queries.lines_of(uow.session, plan.id))
