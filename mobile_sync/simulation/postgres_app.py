"""The shop as an application over PostgreSQL behind real routes: what an integrator writes, in one module."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from errno import ENOSPC
from io import FileIO
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from flask import request
from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, sessionmaker

from mobile_sync.adapters.bundles import Origin, Taken
from mobile_sync.adapters.http import SqlHost
from mobile_sync.adapters.local_store import LocalStore, PartialFiles
from mobile_sync.adapters.sql import Author, track, tracker_of
from mobile_sync.blobs import FileLimit, Upload
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.device_key import DeviceKey
from mobile_sync.protocol import Bucket, Device, Kind, Received, Result
from mobile_sync.sealing import ServerKeys
from mobile_sync.simulation import shop
from mobile_sync.simulation.faults import Fuse
from mobile_sync.upcast import Upcaster

app_metadata = MetaData()
thing = Table(
    "sim_thing",
    app_metadata,
    Column("id", Uuid, primary_key=True),
    Column("rev", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("fields", JSONB, nullable=False),
)


@dataclass
class Unit:
    """A unit of work."""

    session: Session
    now: datetime


@dataclass
class Things:
    """The only collection."""

    rules: Mapping[str, FieldRule] = field(default_factory=lambda: shop.RULES[1])
    schema_versions: Collection[int] = (1,)
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)
    entity: str = shop.ENTITY
    on_delete: Policy = Policy.HUMAN
    push_only: bool = False

    def stored(self, ctx: Unit, rec_id: UUID) -> Stored | None:
        """The row, locked."""
        row = ctx.session.execute(select(thing).where(thing.c.id == rec_id).with_for_update()).one_or_none()
        return None if row is None else Stored(row.rev, row.fields, deleted=row.deleted)

    def apply(self, ctx: Unit, change: Change) -> int:
        """Ask the guard, then write."""
        shop.guard(change)
        return save(ctx, change.rec_id, None if change.kind is Kind.DELETE else change.fields)

    def docs(self, ctx: Unit, ids: Collection[UUID]) -> Mapping[UUID, Doc]:
        """Live records."""
        rows = ctx.session.execute(select(thing).where(thing.c.id.in_(ids), thing.c.deleted.is_(False)))
        return {row.id: Doc(row.rev, row.fields) for row in rows}

    def buckets_of(self, ctx: Unit, rec_id: UUID) -> frozenset[str]:
        """From its fields."""
        stored = self.stored(ctx, rec_id)
        return frozenset() if stored is None or stored.deleted else frozenset(shop.placed(stored.fields))


class ThingsAtOnce(Things):
    """The same, reading and writing whole batches (`collection.ManyAtOnce`)."""

    def stored_many(self, ctx: Unit, ids: Collection[UUID]) -> Mapping[UUID, Stored]:
        """The rows, locked in order."""
        query = select(thing).where(thing.c.id.in_(ids)).order_by(thing.c.id).with_for_update()
        return {row.id: Stored(row.rev, row.fields, deleted=row.deleted) for row in ctx.session.execute(query)}

    def check(self, _ctx: Unit, change: Change) -> None:
        """The application's own no."""
        shop.refuse(change)

    def apply_many(self, ctx: Unit, changes: Sequence[Change]) -> list[int]:
        """One statement for all, or a bug that cannot be told whose it is."""
        for change in changes:
            shop.break_down(change)
        rows = [_row_of(change) for change in changes]
        statement = upsert(thing).values(rows)
        taken = {name: statement.excluded[name] for name in ("rev", "deleted", "fields")}
        ctx.session.execute(statement.on_conflict_do_update(index_elements=[thing.c.id], set_=taken))
        for change, row in zip(changes, rows, strict=True):
            _tracked(ctx, row, change.stored.fields if change.stored else {}, change.fields)
        return [row["rev"] for row in rows]


def _row_of(change: Change) -> dict[str, Any]:
    stored = change.stored or Stored(0, {})
    after = {**stored.fields, **change.fields}
    return {"id": change.rec_id, "rev": stored.rev + 1, "deleted": change.kind is Kind.DELETE, "fields": after}


def save(ctx: Unit, rec_id: UUID, fields: Mapping[str, Any] | None) -> int:
    """A new revision by the desk or by an op; None deletes."""
    row = ctx.session.execute(select(thing).where(thing.c.id == rec_id).with_for_update()).one_or_none()
    before: Mapping[str, Any] = row.fields if row else {}
    after = {**before, **(fields or {})}
    rev: int = (row.rev if row else 0) + 1
    values: dict[str, Any] = {"rev": rev, "deleted": fields is None, "fields": after}
    statement = upsert(thing).values(id=rec_id, **values)
    ctx.session.execute(statement.on_conflict_do_update(index_elements=[thing.c.id], set_=values))
    _tracked(ctx, {"id": rec_id, **values}, before, fields or {})
    return rev


def _tracked(ctx: Unit, row: Mapping[str, Any], before: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    patch = {name: (before.get(name), value) for name, value in fields.items()}
    deleted = row["deleted"]
    buckets = None if deleted else shop.placed(row["fields"])
    track(ctx.session, shop.ENTITY, row["id"], rev=row["rev"], patch=patch, buckets=buckets, deleted=deleted)


@dataclass(frozen=True)
class CrampedFiles(PartialFiles):
    """On a disk that may be full: what had room is kept. `cramped` is not empty while it is."""

    cramped: set[str] = field(default_factory=set)

    def append(self, file: FileIO, stream: IO[bytes], room: int) -> None:
        """Half of it, while the disk is full."""
        if not self.cramped:
            return super().append(file, stream, room)
        file.write(stream.read(room // 2))
        raise OSError(ENOSPC, "No space left on device")


@dataclass
class ShopHost(SqlHost[Unit]):
    """The host of the routes. The bearer token is the device's id."""

    sessions: sessionmaker[Session]
    clock: Callable[[], datetime]
    make_id: Callable[[], UUID]
    folder: Path
    fuse: Fuse
    things: Things = field(default_factory=Things)
    scopes: dict[UUID, Sequence[Bucket]] = field(default_factory=dict)
    revoked: set[UUID] = field(default_factory=set)
    keys: dict[UUID, DeviceKey] = field(default_factory=dict)
    schema_version: int = 1
    file_limits: Mapping[str, FileLimit] = field(
        default_factory=lambda: {"photo": FileLimit(frozenset({"image/jpeg"}), 10_000)}
    )

    def __post_init__(self) -> None:
        self.collections = {shop.ENTITY: self.things}
        self.store = LocalStore(self.folder)
        self.partial = CrampedFiles(self.folder / "partial")
        self.server_keys = [ServerKeys.derived("a shop of the simulation")]

    def device(self) -> Device:
        """Whoever says so."""
        return self._named(UUID(request.headers["Authorization"].removeprefix("Bearer ")))

    courier = device

    def _named(self, device_id: UUID) -> Device:
        return Device(device_id, device_id, device_id in self.revoked)

    def origin(self, device_id: UUID, _person_id: UUID | None) -> Origin:
        """Whoever has sealed here before."""
        return Origin(self._named(device_id), self.keys[device_id].jwk())

    def on_behalf(self, _origin: Device) -> AbstractContextManager[None]:
        """Everybody may do everything here."""
        return nullcontext()

    def bundle_taken(self, _ctx: Unit, _taken: Taken) -> None:
        """Nobody listens here."""

    @contextmanager
    def unit(self, _device: Device | None = None) -> Iterator[Unit]:
        """One transaction, committed at the end."""
        with self.sessions.begin() as session:
            tracker_of(session).author = Author(at=self.clock())
            yield Unit(session, self.clock())

    @contextmanager
    def snapshot(self, _device: Device | None = None) -> Iterator[Unit]:
        """One snapshot."""
        with self.sessions() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield Unit(session, self.clock())

    @contextmanager
    def savepoint(self, ctx: Unit) -> Iterator[None]:
        """As the database does it."""
        with ctx.session.begin_nested():
            yield

    def session(self, ctx: Unit) -> Session:
        """The unit's."""
        return ctx.session

    def now(self, ctx: Unit) -> datetime:
        """The unit's."""
        return ctx.now

    def new_id(self, _ctx: Unit) -> UUID:
        """The seed's."""
        return self.make_id()

    def scope(self, _ctx: Unit, device: Device) -> Sequence[Bucket]:
        """As told."""
        return self.scopes.get(device.id, ())

    def alarm(self, _ctx: Unit, _device: Device, _result: Result, _received: Received) -> None:
        """Nobody listens here; the history is what is checked."""

    def inspect_file(self, _path: Path, _upload: Upload) -> None:
        """Whole and hash-checked, not yet kept."""
        self.fuse.burn("file read again")

    def file_verified(self, _ctx: Unit, _upload: Upload) -> None:
        """Nobody listens here."""
