"""Crews and forms, which tablets only read; positions, which they only send."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as Ids
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.dialects.postgresql import JSONB

from app.crews import queries as crews
from app.crews import service
from app.crews.models import Crew, CrewMember, Shift
from app.crews.schemas import FixIn
from app.identity.models import Branch, Person
from app.jobs.models import Form
from app.kernel.buckets import catalog_key, crew_key, live_key
from app.kernel.unit_of_work import UnitOfWork
from app.sync.collection import RoomCollection
from app.sync.errors import NoCrew
from app.sync.reading import corrected, read
from app.sync.values import plain
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored

CREW_COLUMNS = ("branch_id", "code", "name_zh", "name_en", "kind", "phone")
SHIFTS_TOLD = 7


class CrewCollection(RoomCollection):
    """The crew itself: who is in it, when it is on duty."""

    entity = "crew"

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """Nothing of it is a tablet's to write."""
        crew = ctx.session.get(Crew, rec_id)
        return None if crew is None else Stored(crew.rev, {}, deleted=crew.deleted_at is not None)

    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """Crews with members and coming shifts: one query for crews, one for what belongs to them."""
        found = list(ctx.session.scalars(select(Crew).where(Crew.id.in_(ids), Crew.deleted_at.is_(None))))
        parts = _parts(ctx, [crew.id for crew in found])
        return {crew.id: Doc(crew.rev, crew_doc(crew, parts[crew.id])) for crew in found}

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """Its own and the live screens'."""
        crew = ctx.session.get(Crew, rec_id)
        gone = crew is None or crew.deleted_at is not None
        return frozenset() if gone or crew is None else frozenset({crew_key(rec_id), live_key(crew.branch_id)})


def crew_doc(crew: Crew, parts: Mapping[str, list[Any]]) -> dict[str, Any]:
    """A crew as its tablet knows it."""
    own = {name: plain(getattr(crew, name)) for name in CREW_COLUMNS}
    return {"id": str(crew.id), **own, "members": parts["member"], "shifts": parts["shift"][:SHIFTS_TOLD]}


def _parts(uow: UnitOfWork, ids: Ids[UUID]) -> dict[UUID, dict[str, list[Any]]]:
    """Members (leaders first) and coming shifts by crew."""
    member = func.jsonb_build_object(
        "person_id",
        Person.id,
        "name",
        Person.name,
        "name_en",
        Person.name_en,
        "phone",
        Person.phone,
        "lead",
        CrewMember.lead,
    )
    members = (
        select(
            CrewMember.crew_id, literal("member"), member, func.concat(~CrewMember.lead, Person.staff_no).label("place")
        )
        .join(Person, Person.id == CrewMember.person_id)
        .where(CrewMember.crew_id.in_(ids), CrewMember.until.is_(None))
    )
    shift = func.jsonb_build_object("starts_at", Shift.starts_at, "ends_at", Shift.ends_at, type_=JSONB)
    shifts = select(Shift.crew_id, literal("shift"), shift, func.to_char(Shift.starts_at, "YYYYMMDDHH24MI")).where(
        Shift.crew_id.in_(ids), Shift.ends_at > uow.now
    )
    found: dict[UUID, dict[str, list[Any]]] = defaultdict(lambda: {"member": [], "shift": []})
    for crew_id, part, content, _ in uow.session.execute(union_all(members, shifts).order_by("place")):
        found[crew_id][part].append(content)
    return found


class FormCollection(RoomCollection):
    """Checklists as published. A version never changes, so its revision is 1."""

    entity = "form"

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """Nothing of it is a tablet's to write."""
        return None if _form(ctx, rec_id) is None else Stored(1, {})

    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """The whole document."""
        return {form.id: Doc(1, form_doc(form)) for form in ctx.session.scalars(select(Form).where(Form.id.in_(ids)))}

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """Every branch's catalogue."""
        if _form(ctx, rec_id) is None:
            return frozenset()
        return frozenset(catalog_key(branch_id) for branch_id in ctx.session.scalars(select(Branch.id)))


def _form(uow: UnitOfWork, form_id: UUID) -> Form | None:
    return uow.session.scalar(select(Form).where(Form.id == form_id))


def form_doc(form: Form) -> dict[str, Any]:
    """A form as a tablet knows it."""
    return {
        "id": str(form.id),
        "code": form.code,
        "version": form.version,
        "job_kind": form.job_kind.value,
        "document": form.document,
    }


class PositionCollection(RoomCollection):
    """Readings of the tablet's position: sent, never held."""

    entity = "position"
    rules = dict.fromkeys(("location", "at", "accuracy_m"), FieldRule(Policy.SERVER))
    push_only = True

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """Each is new to the engine; a reading sent under two numbers is kept once by its id."""
        return None

    def apply(self, ctx: UnitOfWork, change: Change) -> int:
        """Keep the reading for the crew that the actor is in."""
        fix = read(FixIn(), change.fields)
        person_id = ctx.actor.person_id
        own = crews.crew_ids_of(ctx.session, person_id) if person_id else []
        if not own:
            raise NoCrew
        fix["at"] = corrected(ctx, fix["at"])
        service.record_fix(ctx, crew_id=own[0], fix_id=change.rec_id, **fix)
        return 1

    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """Tablets hold none."""
        return {}

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """None."""
        return frozenset()
