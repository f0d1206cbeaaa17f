"""Doors: people and roles, tablets and enrolment codes, the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.identity.schemas import (
    DeviceOut,
    DevicesOut,
    EnrolmentCodeIn,
    EnrolmentCodeOut,
    GrantIn,
    PeopleArgs,
    PeopleOut,
    PersonIn,
    PersonOut,
    PersonPatch,
    RevokeIn,
    TrailArgs,
    TrailOut,
)
from app.identity.service import people, tablets, trail
from app.identity.service.people import PersonView
from app.identity.service.tablets import DeviceView
from app.kernel.paging import PageArgs, page
from app.kernel.web import Blueprint, current_uow, keyless

blp = Blueprint("admin", __name__, url_prefix="/api/v1", description="People, roles, tablets and the audit trail")


@blp.get("/people")
@blp.arguments(PeopleArgs, location="query")
@blp.response(200, PeopleOut)
def list_people(args: dict[str, Any]) -> dict[str, Any]:
    """List people by staff number"""
    found = people.list_people(current_uow(), q=args.get("q"), cursor=args.get("cursor"), limit=args["limit"])
    return page(found, args["limit"], lambda view: (view.person.staff_no, view.person.id))


@blp.post("/people")
@blp.arguments(PersonIn)
@blp.response(201, PersonOut)
def add_person(person: dict[str, Any]) -> PersonView:
    """Add a colleague"""
    return people.add_person(current_uow(), **person)


@blp.patch("/people/<uuid:person_id>")
@blp.arguments(PersonPatch)
@blp.response(200, PersonOut)
def change_person(changes: dict[str, Any], person_id: UUID) -> PersonView:
    """Change a colleague's names, login, password or language, or close the account"""
    return people.change_person(current_uow(), person_id, changes)


@blp.post("/people/<uuid:person_id>/grants")
@blp.arguments(GrantIn)
@blp.response(201, PersonOut)
def grant_role(grant: dict[str, Any], person_id: UUID) -> PersonView:
    """Give a person a role"""
    return people.grant_role(current_uow(), person_id, **grant)


@blp.delete("/people/<uuid:person_id>/grants/<uuid:grant_id>")
@blp.response(204)
def withdraw_role(person_id: UUID, grant_id: UUID) -> None:
    """Take a role away"""
    people.withdraw_role(current_uow(), person_id, grant_id)


@blp.get("/devices")
@blp.arguments(PageArgs, location="query")
@blp.response(200, DevicesOut)
def list_devices(args: dict[str, Any]) -> dict[str, Any]:
    """List tablets, newest first"""
    found = tablets.list_devices(current_uow(), cursor=args.get("cursor"), limit=args["limit"])
    return page(found, args["limit"], lambda view: (view.device.id,))


@blp.post("/devices/enrolment-codes")
@blp.arguments(EnrolmentCodeIn)
@blp.response(201, EnrolmentCodeOut)
@keyless  # a kept answer would hold the code in the clear
def make_enrolment_code(body: dict[str, Any]) -> dict[str, str | datetime]:
    """Make a one-time code for a new tablet"""
    code, expires_at = tablets.make_enrolment_code(current_uow(), **body)
    return {"code": code, "expires_at": expires_at}


@blp.post("/devices/<uuid:device_id>/revoke")
@blp.arguments(RevokeIn)
@blp.response(200, DeviceOut)
def revoke_device(body: dict[str, bool], device_id: UUID) -> DeviceView:
    """Sign a tablet out for good"""
    return tablets.revoke_device(current_uow(), device_id, **body)


@blp.get("/audit")
@blp.arguments(TrailArgs, location="query")
@blp.response(200, TrailOut)
def read_trail(args: dict[str, Any]) -> dict[str, Any]:
    """Read the audit trail, newest first"""
    found = trail.read_trail(current_uow(), action=args.get("action"), cursor=args.get("cursor"), limit=args["limit"])
    return page(found, args["limit"], lambda entry: (entry.at.isoformat(), entry.id))
