"""Open outages on the tablets of the crews that serve there; tablets only read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as Ids
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.customers.models import Place, PlaceKind
from app.jobs.models import Job
from app.kernel.unit_of_work import UnitOfWork
from app.outages.models import Outage
from app.sync.collection import RoomCollection
from app.sync.placement import places_of_outages
from app.sync.values import plain
from mobile_sync.collection import Doc, Stored

COLUMNS = ("number", "commodity", "state", "location", "opened_at")
# Areas as people say where something is. An address would name a household, which is its own crew's business only.
SPOKEN = (PlaceKind.SUB_DISTRICT, PlaceKind.VILLAGE, PlaceKind.INDUSTRIAL_PARK, PlaceKind.ESTATE)


class OutageCollection(RoomCollection):
    """What is amiss in a region: since when, where in words, by when a crew is due."""

    entity = "outage"

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """Nothing of it is a tablet's to write."""
        outage = ctx.session.get(Outage, rec_id)
        return None if outage is None else Stored(outage.rev, {}, deleted=outage.deleted_at is not None)

    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """Outages with the places they lie in: one query for outages, one for places."""
        due = func.min(Job.due_at).label("due_at")
        query = select(Outage, due).outerjoin(Job, (Job.outage_id == Outage.id) & Job.deleted_at.is_(None))
        found = query.where(Outage.id.in_(ids), Outage.deleted_at.is_(None)).group_by(Outage.id)
        places = _places(ctx, ids)
        return {
            outage.id: Doc(outage.rev, {**_doc(outage), "due_at": plain(due_at), "places": places[outage.id]})
            for outage, due_at in ctx.session.execute(found)
        }

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """Its regions' while it is open, and the live screens'."""
        return places_of_outages(ctx.session, [rec_id]).get(rec_id, frozenset())


def _doc(outage: Outage) -> dict[str, Any]:
    return {"id": str(outage.id), **{name: plain(getattr(outage, name)) for name in COLUMNS}}


def _places(uow: UnitOfWork, ids: Ids[UUID]) -> dict[UUID, list[dict[str, str]]]:
    """The names of what each lies in, the larger before the smaller."""
    query = (
        select(Outage.id, Place.name_zh, Place.name_en)
        .join(Place, Place.branch_id == Outage.branch_id)
        .where(Outage.id.in_(ids), Place.kind.in_(SPOKEN), func.ST_Covers(Place.boundary, Outage.location))
        .order_by(func.ST_Area(Place.boundary).desc(), Place.id)
    )
    found: dict[UUID, list[dict[str, str]]] = defaultdict(list)
    for outage_id, name_zh, name_en in uow.session.execute(query):
        found[outage_id].append({"name_zh": name_zh, "name_en": name_en})
    return found
