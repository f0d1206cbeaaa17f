"""The search box: one text, four rooms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from shapely.geometry import Point

from app.crews import queries as crews
from app.customers import queries as customers
from app.customers.rules import SHORTEST
from app.jobs import queries as jobs
from app.kernel.actor import Permission
from app.kernel.fields import PointField, text
from app.kernel.paging import StrictSchema
from app.kernel.unit_of_work import UnitOfWork
from app.outages import queries as outages

EACH = 10  # of a kind; the box shows a handful


class SearchArgs(StrictSchema):
    """What was typed: at least two characters."""

    q = text(60, shortest=SHORTEST, required=True)


class HitOut(ma.Schema):
    """Something found. `found_by` says which of its features the text matched."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(["premises", "job", "crew", "outage"]))
    id = ma.fields.UUID(required=True)
    title = ma.fields.String(required=True)
    subtitle = ma.fields.String(required=True, allow_none=True)
    location = PointField(required=True, allow_none=True)
    found_by = ma.fields.String(required=True)


class Hits(ma.Schema):
    """Found things: jobs, outages and crews by number or name, then premises, best first."""

    items = ma.fields.List(ma.fields.Nested(HitOut), required=True)


def search(uow: UnitOfWork, *, q: str) -> list[dict[str, Any]]:
    """Jobs, outages, crews and premises that the text names, within the actor's rights. At most six queries."""
    q = q.strip()
    hits = [_hit("job", job.id, job.number, job.address, job.location) for job in _jobs(uow, q)]
    hits += _outages_and_crews(uow, q)
    readable = uow.actor.branches_with(Permission.READ_CUSTOMERS)
    if readable and len(q) >= SHORTEST:
        for found in customers.find_premises(uow.session, readable, q, limit=EACH):
            place = found.premises
            hits.append(_hit("premises", place.id, place.address, place.address_en, place.location, found.found_by))
    return hits


def _jobs(uow: UnitOfWork, q: str) -> list[Any]:
    return jobs.find_jobs(uow.session, uow.actor, q, limit=EACH)


def _outages_and_crews(uow: UnitOfWork, q: str) -> list[dict[str, Any]]:
    branches = uow.actor.branches_with(Permission.READ_ALL_JOBS)
    if not branches:
        return []
    hits = [
        _hit("outage", outage.id, outage.number, outage.cause, outage.location)
        for outage in outages.find_outages(uow.session, branches, q, limit=EACH)
    ]
    for crew, location in crews.find_crews(uow.session, branches, q, limit=EACH):
        hits.append(_hit("crew", crew.id, crew.name_zh, crew.code, location, "name"))
    return hits


def _hit(
    kind: str, found_id: UUID, title: str, subtitle: str | None, location: Point | None, found_by: str = "number"
) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": found_id,
        "title": title,
        "subtitle": subtitle,
        "location": location,
        "found_by": found_by,
    }
