"""A record kind of the benchmark's own: meter surveys, 15 fields with a point, as any application would add one.

It goes through everything the product's kinds go through: login, scope by crew, checks, merge, history, ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import bindparam, text

from app.crews import queries as crews
from app.kernel.buckets import crew_key
from app.kernel.unit_of_work import UnitOfWork
from app.sync.collection import RoomCollection
from app.sync.errors import NoCrew
from mobile_sync.adapters import binary, texts
from mobile_sync.adapters.bulk import Packed, copy_binary
from mobile_sync.adapters.sql import track
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.protocol import FieldError, Rejected

TABLE = """
    CREATE TABLE bench_survey (id uuid PRIMARY KEY, rev bigint NOT NULL, crew_id uuid NOT NULL REFERENCES crew,
                               deleted boolean NOT NULL DEFAULT false, fields jsonb NOT NULL)
"""
_COLUMNS = ("id", "rev", "crew_id", "fields")
_HEAD = binary.row_head(len(_COLUMNS))
_READ = text("SELECT id, rev, fields, deleted FROM bench_survey WHERE id = ANY(:id) ORDER BY id FOR UPDATE").bindparams(
    bindparam("id", type_=Packed("uuid"))
)
_SHOW = text("SELECT id, rev, fields::text FROM bench_survey WHERE id = ANY(:id) AND NOT deleted").bindparams(
    bindparam("id", type_=Packed("uuid"))
)
_REWRITE = text(
    """
    UPDATE bench_survey s SET rev = s.rev + 1, fields = s.fields || n.fields
    FROM unnest(:id, :fields) AS n(id, fields) WHERE s.id = n.id
    """
).bindparams(bindparam("id", type_=Packed("uuid")), bindparam("fields", type_=Packed("jsonb")))


def _words(longest: int) -> Callable[[Any], bool]:
    return lambda value: value.__class__ is str and 0 < len(value) <= longest


def _number(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: (value.__class__ is float or value.__class__ is int) and least <= value <= most


def _one_of(*words: str) -> Callable[[Any], bool]:
    known = frozenset(words)
    return lambda value: value.__class__ is str and value in known


def _day(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value) is not None
    except (TypeError, ValueError):
        return False


def _point(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"type", "coordinates"} or value["type"] != "Point":
        return False
    place = value["coordinates"]
    return isinstance(place, list) and len(place) == 2 and _degrees(place[0], 180) and _degrees(place[1], 90)


def _degrees(value: Any, most: float) -> bool:
    return value.__class__ is float and -most <= value <= most


CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "meter_no": _words(20),
    "kind": _one_of("single_phase", "three_phase", "gas"),
    "maker": _words(80),
    "street": _words(120),
    "house": _words(20),
    "location": _point,
    "reading_kwh": _number(0, 1e9),
    "voltage_v": _number(0, 500),
    "seal_no": _words(20),
    "sealed": lambda value: isinstance(value, bool),
    "installed_on": _day,
    "height_m": _number(-5, 50),
    "tariff": _words(12),
    "photos": _number(0, 20),
    "note": _words(500),
}


class Surveys(RoomCollection):
    """Surveys stand alone, so they are read and written many at a time."""

    entity = "survey"
    rules: ClassVar[Mapping[str, FieldRule]] = dict.fromkeys(CHECKS, FieldRule(Policy.HUMAN))

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """One of them."""
        return self.stored_many(ctx, [rec_id]).get(rec_id)

    def stored_many(self, ctx: UnitOfWork, ids: Collection[UUID]) -> Mapping[UUID, Stored]:
        """Locked in order."""
        rows = ctx.session.execute(_READ, {"id": ids}).all()
        return {rec_id: Stored(rev, fields, deleted=deleted) for rec_id, rev, fields, deleted in rows}

    def check(self, ctx: UnitOfWork, change: Change) -> None:
        """Each field by its own rule."""
        del ctx  # nothing is read for it
        wrong = [name for name, value in change.fields.items() if not CHECKS[name](value)]
        if wrong:
            raise Rejected("invalid", *(FieldError(name, "invalid") for name in wrong))

    def apply_many(self, ctx: UnitOfWork, changes: Sequence[Change]) -> list[int]:
        """New ones in one statement, changed ones in another."""
        person_id = ctx.actor.person_id
        own = crews.crew_ids_of(ctx.session, person_id) if person_id else []
        if not own:
            raise NoCrew
        self._insert(ctx, own[0], [change for change in changes if change.stored is None])
        self._rewrite(ctx, [change for change in changes if change.stored is not None])
        return [1 if change.stored is None else change.stored.rev + 1 for change in changes]

    def _insert(self, ctx: UnitOfWork, crew_id: UUID, changes: Sequence[Change]) -> None:
        buckets = {crew_key(crew_id)}
        rows, first = [], binary.bigint(1) + binary.uuid(crew_id)
        for change in changes:
            rows.append(_HEAD + binary.uuid(change.rec_id) + first + binary.jsonb(texts.write(change.fields)))
            patch = {name: (None, value) for name, value in change.fields.items()}
            track(ctx.session, self.entity, change.rec_id, rev=1, patch=patch, buckets=buckets)
        if rows:
            copy_binary(ctx.session, "bench_survey", _COLUMNS, rows)

    def _rewrite(self, ctx: UnitOfWork, changes: Sequence[Change]) -> None:
        if not changes:
            return
        for change in changes:
            before = change.stored.fields if change.stored else {}
            rev = change.stored.rev + 1 if change.stored else 1
            patch = {name: (before.get(name), value) for name, value in change.fields.items()}
            track(ctx.session, self.entity, change.rec_id, rev=rev, patch=patch)
        bound = {
            "id": [change.rec_id for change in changes],
            "fields": [texts.write(change.fields) for change in changes],
        }
        ctx.session.execute(_REWRITE, bound)

    def docs(self, ctx: UnitOfWork, ids: Collection[UUID]) -> Mapping[UUID, Doc]:
        """As PostgreSQL writes them."""
        return {rec_id: Doc(rev, written) for rec_id, rev, written in ctx.session.execute(_SHOW, {"id": ids}).all()}

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """Its crew's."""
        query = text("SELECT crew_id FROM bench_survey WHERE id = :id AND NOT deleted")
        return frozenset(crew_key(crew_id) for crew_id in ctx.session.scalars(query, {"id": rec_id}))
