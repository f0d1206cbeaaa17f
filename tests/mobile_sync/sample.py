"""A small application that has nothing to do with field service: boxes of notes, moved between shelves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table, Text, Uuid, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, sessionmaker
from uuid_utils.compat import uuid7

from mobile_sync.adapters.sql import (
    Author,
    SqlFeed,
    SqlLedger,
    acknowledge,
    is_fatal,
    stamp,
    subscribe,
    track,
    tracker_of,
)
from mobile_sync.answers import write_page, write_push
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.engine import push
from mobile_sync.protocol import Bucket, Device, FieldError, Kind, Received, Rejected, Result
from mobile_sync.pull import Puller
from mobile_sync.upcast import Upcaster
from mobile_sync.wire import read_batch, read_pull

sample_metadata = MetaData()
note = Table(
    "sample_note",
    sample_metadata,
    Column("id", Uuid, primary_key=True),
    Column("rev", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    Column("shelf", Text, nullable=False),
    Column("fields", JSONB, nullable=False),
)

STEPS = {"open": ["packed"], "packed": ["sealed", "open"], "sealed": ["sent"]}
RULES = {
    "shelf": FieldRule(Policy.HUMAN),
    "title": FieldRule(Policy.HUMAN),
    "size": FieldRule(Policy.MAX),
    "low": FieldRule(Policy.MIN),
    "log": FieldRule(Policy.APPEND),
    "tags": FieldRule(Policy.SET_UNION),
    "colour": FieldRule(Policy.DEVICE),
    "price": FieldRule(Policy.SERVER),
    "seal": FieldRule(Policy.NEVER),
    "state": FieldRule(Policy.STATE_MACHINE, STEPS),
    "answers.*": FieldRule(Policy.HUMAN),
}


@dataclass
class Unit:
    """The sample's unit of work."""

    session: Session
    now: datetime


@dataclass
class NoNote(Exception):
    """The sample's own refusal."""

    reason: str


@dataclass
class Notes:
    """The sample's only collection. A note is in the bucket of its shelf."""

    entity: str = "note"
    schema_versions: Collection[int] = (1, 2)
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)
    rules: Mapping[str, FieldRule] = field(default_factory=lambda: RULES)
    on_delete: Policy = Policy.HUMAN
    push_only: bool = False

    def stored(self, ctx: Unit, rec_id: UUID) -> Stored | None:
        """The row, locked."""
        row = ctx.session.execute(select(note).where(note.c.id == rec_id).with_for_update()).one_or_none()
        return None if row is None else Stored(row.rev, {"shelf": row.shelf, **row.fields}, deleted=row.deleted)

    def apply(self, ctx: Unit, change: Change) -> int:
        """Write, refusing what the shop does not take."""
        if change.fields.get("title") == "forbidden":
            raise NoNote("forbidden")
        if change.fields.get("title") == "breaks":
            raise RuntimeError("the application has a bug")
        if change.kind is Kind.DELETE:
            return delete_note(ctx, change.rec_id)
        return save_note(ctx, change.rec_id, change.fields)

    def docs(self, ctx: Unit, ids: Collection[UUID]) -> Mapping[UUID, Doc]:
        """One query."""
        rows = ctx.session.execute(select(note).where(note.c.id.in_(ids), note.c.deleted.is_(False)))
        return {row.id: Doc(row.rev, {"shelf": row.shelf, **row.fields}) for row in rows}

    def buckets_of(self, ctx: Unit, rec_id: UUID) -> frozenset[str]:
        """Its shelf."""
        shelf = ctx.session.scalar(select(note.c.shelf).where(note.c.id == rec_id, note.c.deleted.is_(False)))
        return frozenset() if shelf is None else frozenset({f"shelf:{shelf}"})


class NotesAtOnce(Notes):
    """The same notes, read and written many at a time."""

    def stored_many(self, ctx: Unit, ids: Collection[UUID]) -> Mapping[UUID, Stored]:
        """The rows, locked in order."""
        rows = ctx.session.execute(select(note).where(note.c.id.in_(ids)).order_by(note.c.id).with_for_update())
        return {row.id: Stored(row.rev, {"shelf": row.shelf, **row.fields}, deleted=row.deleted) for row in rows}

    def check(self, _ctx: Unit, change: Change) -> None:
        """What the shop does not take."""
        if change.fields.get("title") == "forbidden":
            raise Rejected("no_note", FieldError("title", "forbidden"))

    def apply_many(self, ctx: Unit, changes: Sequence[Change]) -> list[int]:
        """In one go, which a bug in one breaks for all."""
        assert len({change.rec_id for change in changes}) == len(changes), "a record twice"
        revs = [self.apply(ctx, change) for change in changes if change.fields.get("title") != "breaks"]
        if len(revs) < len(changes):
            raise RuntimeError("the application has a bug")
        return revs


def save_note(ctx: Unit, rec_id: UUID, fields: Mapping[str, Any]) -> int:
    """Create or change a note, as desk and devices do alike; returns its revision."""
    row = ctx.session.execute(select(note).where(note.c.id == rec_id).with_for_update()).one_or_none()
    before = {"shelf": row.shelf, **row.fields} if row else {}
    after = {"shelf": "a", **before, **fields}
    values = {"shelf": after["shelf"], "fields": {name: value for name, value in after.items() if name != "shelf"}}
    rev = row.rev + 1 if row else 1
    if row:
        ctx.session.execute(update(note).where(note.c.id == rec_id).values(rev=rev, **values))
    else:
        ctx.session.execute(insert(note).values(id=rec_id, rev=rev, **values))
    patch = {name: (before.get(name), after[name]) for name in after if before.get(name) != after[name]}
    track(ctx.session, "note", rec_id, rev=rev, patch=patch, buckets={f"shelf:{after['shelf']}"})
    return rev


def delete_note(ctx: Unit, rec_id: UUID) -> int:
    """Delete a note; returns its last revision."""
    values = {"deleted": True, "rev": note.c.rev + 1}
    rev = ctx.session.execute(update(note).where(note.c.id == rec_id).values(values).returning(note.c.rev)).scalar_one()
    track(ctx.session, "note", rec_id, rev=rev, patch={}, deleted=True)
    return rev


@dataclass
class Shop:
    """The sample application: a host of the engine without HTTP. `scopes`: device → shelves."""

    sessions: sessionmaker[Session]
    clock: Any
    collections: Mapping[str, Notes] = field(default_factory=lambda: {"note": Notes()})
    scopes: dict[UUID, set[str]] = field(default_factory=dict)
    revoked: set[UUID] = field(default_factory=set)
    alarms: list[Result] = field(default_factory=list)
    schema_version: int = 1

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """One transaction, committed at the end."""
        with self.sessions.begin() as session:
            tracker_of(session).author = Author(at=self.clock())
            yield Unit(session, self.clock())

    @contextmanager
    def snapshot(self) -> Iterator[Unit]:
        """One snapshot."""
        with self.sessions() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield Unit(session, self.clock())

    def ledger(self, ctx: Unit) -> SqlLedger:
        """In the unit's transaction."""
        return SqlLedger(ctx.session, ctx.now, uuid7)

    def now(self, ctx: Unit) -> datetime:
        """The unit's time."""
        return ctx.now

    @contextmanager
    def savepoint(self, ctx: Unit) -> Iterator[None]:
        """The sample's no becomes the engine's."""
        try:
            with ctx.session.begin_nested():
                yield
        except NoNote as no:
            raise Rejected("no_note", FieldError("title", no.reason)) from no

    def fatal(self, error: Exception) -> bool:
        """Database trouble."""
        return is_fatal(error)

    def alarm(self, _ctx: Unit, _device: Device, result: Result, _received: Received) -> None:
        """Remember it."""
        self.alarms.append(result)

    def device(self, device_id: UUID) -> Device:
        """As if authenticated."""
        return Device(device_id, person_id=device_id, revoked=device_id in self.revoked)

    def scope(self, device: Device) -> list[Bucket]:
        """The device's shelves."""
        return [Bucket(f"shelf:{shelf}", 1) for shelf in sorted(self.scopes.get(device.id, ()))]

    def post(self, device_id: UUID) -> Any:
        """The wire without HTTP, for a simulated tablet."""
        device = self.device(device_id)

        def post(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
            return self.push(device, body) if path == "push" else self.pull(device, body)

        return post

    def push(self, device: Device, body: Mapping[str, Any]) -> dict[str, Any]:
        """Judge a batch, commit, answer."""
        batch = read_batch(body)
        with self.unit() as ctx:
            answer = push(self, ctx, device, batch)
        return write_push(answer)

    def pull(self, device: Device, body: Mapping[str, Any]) -> dict[str, Any]:
        """Stamp, commit, read a page."""
        request = read_pull(body)
        buckets = self.scope(device)
        with self.unit() as ctx:
            subscribe(ctx.session, device, buckets, ctx.now)
            acknowledge(ctx.session, device.id, request, ctx.now)
        with self.unit() as ctx:
            stamp(ctx.session, [bucket.key for bucket in buckets], wait=not request.cursors)
        with self.snapshot() as ctx:
            puller = Puller(self.collections, self.schema_version)
            return write_page(puller.page(ctx, SqlFeed(ctx.session), request, buckets, ctx.now))
