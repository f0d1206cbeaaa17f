"""Doors of supply: an outage's cause, its affected, its stages and what is expected."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.kernel.web import Blueprint, current_uow
from app.supply import confirming, contacts, stages
from app.supply.models import Contact
from app.supply.queries import Asked
from app.supply.schemas import (
    AffectedArgs,
    AffectedPage,
    ContactIn,
    ContactOut,
    EstimateIn,
    FindingIn,
    StatementIn,
    SupplyOut,
    TriageArgs,
    TriageOut,
)
from app.supply.triage import Triage, triage

blp = Blueprint("supply", __name__, url_prefix="/api/v1", description="Whom an outage cut off")


@blp.get("/calls/triage")
@blp.arguments(TriageArgs, location="query")
@blp.response(200, TriageOut)
def show_triage(args: dict[str, Any]) -> Triage:
    """Say what is known of a place before a crew is sent there"""
    return triage(current_uow(), **args)


@blp.get("/outages/<uuid:outage_id>/supply")
@blp.response(200, SupplyOut)
def show_supply(outage_id: UUID) -> dict[str, Any]:
    """Show an outage's confirmed cause, how many it cut off, its stages and what is expected"""
    return contacts.overview(current_uow(), outage_id=outage_id)


@blp.post("/outages/<uuid:outage_id>/confirmation")
@blp.arguments(FindingIn)
@blp.response(201, SupplyOut)
def confirm(args: dict[str, Any], outage_id: UUID) -> dict[str, Any]:
    """Confirm the device that failed"""
    confirming.confirm(current_uow(), outage_id=outage_id, **args)
    return contacts.overview(current_uow(), outage_id=outage_id)


@blp.post("/outages/<uuid:outage_id>/confirmation/withdrawal")
@blp.response(200, SupplyOut)
def withdraw(outage_id: UUID) -> dict[str, Any]:
    """Take the confirmation back"""
    confirming.withdraw(current_uow(), outage_id=outage_id)
    return contacts.overview(current_uow(), outage_id=outage_id)


@blp.post("/outages/<uuid:outage_id>/stages")
@blp.arguments(StatementIn)
@blp.response(201, SupplyOut)
def state_restored(args: dict[str, Any], outage_id: UUID) -> dict[str, Any]:
    """Note who has supply again"""
    stages.state_restored(current_uow(), outage_id=outage_id, **args)
    return contacts.overview(current_uow(), outage_id=outage_id)


@blp.post("/outages/<uuid:outage_id>/estimates")
@blp.arguments(EstimateIn)
@blp.response(201, SupplyOut)
def expect(args: dict[str, Any], outage_id: UUID) -> dict[str, Any]:
    """Say when supply will be back"""
    stages.expect(current_uow(), outage_id=outage_id, **args)
    return contacts.overview(current_uow(), outage_id=outage_id)


@blp.get("/outages/<uuid:outage_id>/affected")
@blp.arguments(AffectedArgs, location="query")
@blp.response(200, AffectedPage)
def list_affected(args: dict[str, Any], outage_id: UUID) -> dict[str, Any]:
    """List whom the outage cut off, in the order of calls"""
    return contacts.affected(current_uow(), asked=Asked(outage_id, **args))


@blp.get("/outages/<uuid:outage_id>/affected.csv")
@blp.response(200, {"type": "string"}, content_type="text/csv")
def export_affected(outage_id: UUID) -> Response:
    """Export whom the outage cut off, from when until when"""
    table = b"".join(contacts.affected_csv(current_uow(), outage_id=outage_id))
    headers = {"Content-Disposition": 'attachment; filename="affected.csv"'}
    return Response(table, content_type="text/csv; charset=utf-8", headers=headers)


@blp.post("/outages/<uuid:outage_id>/affected/<uuid:account_id>/contacts")
@blp.arguments(ContactIn)
@blp.response(201, ContactOut)
def note_contact(args: dict[str, Any], outage_id: UUID, account_id: UUID) -> Contact:
    """Note what came of a call to a customer"""
    return contacts.note(current_uow(), outage_id=outage_id, account_id=account_id, **args)
