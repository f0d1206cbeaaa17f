"""The shop over real PostgreSQL, real routes and a real disk; its process may die before any statement."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Column, Engine, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from mobile_sync.adapters.collecting import collect_undeclared
from mobile_sync.adapters.conflicts_sql import settle_conflicts
from mobile_sync.adapters.epochs import current_epoch, new_epoch
from mobile_sync.adapters.purging import purge_exits
from mobile_sync.adapters.sql import Author, is_fatal, tracker_of
from mobile_sync.adapters.tables import sync_conflict, sync_device_state, sync_epoch
from mobile_sync.adapters.uploads import expire_uploads
from mobile_sync.protocol import Bucket
from mobile_sync.simulation import shop
from mobile_sync.simulation.faults import Died, Violation
from mobile_sync.simulation.house import Answer, Call
from mobile_sync.simulation.postgres_app import ShopHost, Things, ThingsAtOnce, Unit, save, thing
from mobile_sync.simulation.postgres_bundles import Sealing
from mobile_sync.simulation.postgres_door import make_app
from mobile_sync.simulation.postgres_process import Process
from mobile_sync.simulation.postgres_state import begin_empty, keep_backup, migrate, put_back
from mobile_sync.simulation.postgres_truth import check_store, long_reader, open_subscriptions, rows_in, truth_of
from mobile_sync.simulation.truth import RecordRow, Truth
from mobile_sync.simulation.world import Parts


@dataclass
class PostgresHouse(Sealing):
    """A `House` in one schema of one database, which it empties first."""

    engine: Engine
    parts: Parts
    host: ShopHost = field(init=False)
    open: dict[int, tuple[Session, set[UUID]]] = field(default_factory=dict)
    readers: dict[int, Session] = field(default_factory=dict)
    begun: int = 0
    saved_version: int = 1
    epoch: str = ""

    def __post_init__(self) -> None:
        self.fuse, self.trouble = self.parts.fuse, self.parts.trouble
        self.folder = Path(tempfile.mkdtemp(prefix="simulation-"))
        sessions = sessionmaker(self.engine, expire_on_commit=False)
        things = ThingsAtOnce() if self.parts.at_once else Things()
        self.host = ShopHost(sessions, self.parts.clock, self.parts.new_id, self.folder, self.fuse, things)
        begin_empty(self.engine)
        with self.host.unit() as ctx:
            self.epoch = current_epoch(ctx.session)
        self.door = make_app(self.host).test_client()
        self.process = Process(self.engine, self.fuse, self.trouble)

    def handle(self, device_id: UUID, call: Call) -> Answer:
        """Through the routes; a body that was cut ends before its promised length."""
        headers = {"Content-Type": "application/json", **call.headers, "Authorization": f"Bearer {device_id}"}
        if call.promised is not None:
            headers["Content-Length"] = str(call.promised)
        path = call.path if call.path.startswith("/") else f"/sync/v1/{call.path}"
        with self.process.mortal():
            try:
                told = self.door.open(path, method=call.method, data=call.body, headers=headers)
            except DBAPIError as error:  # under a stream, before its first line
                _must_be_fatal(error)
                return Answer(503, b'{"code": "try_again"}')
            if call.path == "snapshot":
                return self._streamed(told)
            self.fuse.burn("answer")
        return Answer(told.status_code, told.data, dict(told.headers))

    def _streamed(self, told: TestResponse) -> Answer:
        """As far as it comes: what was sent before the process went away has been sent."""
        sent, broken = b"", False
        try:
            for line in told.iter_encoded():
                sent += line
                self.fuse.burn("line")
        except Died:
            broken = True
        except DBAPIError as error:
            _must_be_fatal(error)
            broken = True
        finally:
            told.close()
        return Answer(told.status_code, sent, dict(told.headers), broken)

    def begin(self) -> int:
        """A session of its own; beside it a reader, whose snapshot stays open as long and stops nobody (I4)."""
        self.begun += 1
        self.readers[self.begun] = long_reader(self.host.sessions)
        self.open[self.begun] = (self.host.sessions(), set())
        return self.begun

    def write(self, tx: int | None, rec_id: UUID, fields: Mapping[str, Any] | None) -> None:
        """Written at once and held open: the worst a writer can do."""
        if tx is None:
            with self._desk() as ctx:
                self._apply(ctx, rec_id, fields)
            self.parts.tally.checks["I4"] += bool(self.readers)
            return
        session, held = self.open[tx]
        held.add(rec_id)
        tracker_of(session).author = Author(at=self.parts.clock())
        self._apply(Unit(session, self.parts.clock()), rec_id, fields)
        tracker_of(session).flush(session)

    @contextmanager
    def _desk(self) -> Iterator[Unit]:
        try:
            with self.process.mortal(), self.host.unit() as ctx:
                yield ctx
        except DBAPIError as error:
            if not is_fatal(error):
                raise
            if "lock timeout" in str(error.orig):
                raise Violation(
                    "I4", "a write of the desk had to wait, and nobody else was writing its record"
                ) from error
            raise ConnectionError("the database gave up") from error

    def _apply(self, ctx: Unit, rec_id: UUID, fields: Mapping[str, Any] | None) -> None:
        stored = self.host.things.stored(ctx, rec_id)
        if (stored is None and fields is None) or (stored is not None and stored.deleted):
            return
        save(ctx, rec_id, fields)

    def end(self, tx: int, *, commit: bool) -> None:
        """All of its writes, or none."""
        session, _ = self.open.pop(tx)
        with session, self.readers.pop(tx):
            if commit:
                session.commit()

    def busy(self) -> set[UUID]:
        """Locked."""
        return {rec_id for _, held in self.open.values() for rec_id in held}

    def known(self) -> list[UUID]:
        """Live records."""
        with self.host.unit() as ctx:
            return sorted(ctx.session.scalars(select(thing.c.id).where(thing.c.deleted.is_(False))))

    def resolve(self, conflict_id: UUID, value: Any) -> bool:
        """An ordinary new version, once."""
        row = sync_conflict.c
        with self._desk() as ctx:
            query = select(sync_conflict).where(row.id == conflict_id, row.state == "open").with_for_update()
            found = ctx.session.execute(query).one_or_none()
            if found is None:
                return False
            stored = self.host.things.stored(ctx, found.rec_id)
            decided = stored is not None and not stored.deleted and not found.field.startswith("$")
            rev = save(ctx, found.rec_id, {found.field: value}) if decided else 0
            settle_conflicts(ctx.session, {conflict_id: rev}, resolution={"value": value}, by=None, at=ctx.now)
        return True

    def scope(self, device_id: UUID, buckets: Sequence[str]) -> None:
        """From now on."""
        self.host.scopes[device_id] = [Bucket(key, int(key != shop.EVERYWHERE)) for key in buckets]

    def revoke(self, device_id: UUID) -> None:
        """Lost."""
        self.host.revoked.add(device_id)

    def backup(self) -> None:
        """The tables; files stay where they are, as with any backup of a database."""
        keep_backup(self.engine)
        self.saved_version = self.version

    def restore(self) -> None:
        """The tables of then and a new life; what was open is gone."""
        self._drop_open()
        put_back(self.engine)
        with self.host.unit() as ctx:
            self.epoch = new_epoch(ctx.session)
            ctx.session.execute(update(sync_epoch).values(since=ctx.now))  # by the clock that dates versions here
            if self.version != self.saved_version:
                migrate(ctx.session, self.version)

    def _drop_open(self) -> None:
        for tx in list(self.open):
            self.end(tx, commit=False)

    def upgrade(self) -> None:
        """To the newest version, once."""
        if self.version < shop.NEWEST and not self.open:
            version = self.host.schema_version = shop.NEWEST
            things = self.host.things
            things.rules, things.schema_versions, things.upcasters = shop.RULES[version], (version,), shop.UPCASTERS
            with self.host.unit() as ctx:
                migrate(ctx.session, version)

    def purge(self, patience: timedelta) -> None:
        """Exits that nobody needs, files that nobody finishes, and files that nobody declared."""
        with self.host.unit() as ctx:
            purge_exits(ctx.session, ctx.now + timedelta(seconds=1), ctx.now - patience)
            expire_uploads(ctx.session, self.host.partial, ctx.now)
        with self.host.unit() as ctx:
            collect_undeclared(ctx.session, self.host.store, ctx.now)

    def close(self) -> None:
        """Sessions, hooks and files."""
        self._drop_open()
        self.process.end()
        shutil.rmtree(self.folder)

    @property
    def full(self) -> bool:
        """The disk of the files."""
        return bool(self.host.partial.cramped)

    @full.setter
    def full(self, full: bool) -> None:
        self.host.partial.cramped.clear()
        self.host.partial.cramped.update({"full"} if full else ())

    @property
    def version(self) -> int:
        """The schema version."""
        return self.host.schema_version

    @property
    def life(self) -> str:
        """The epoch."""
        return self.epoch

    def subscribed(self, device_id: UUID) -> frozenset[str]:
        """Open subscriptions."""
        with self.host.unit() as ctx:
            return open_subscriptions(ctx.session, device_id)

    def taken(self, device_id: UUID) -> int:
        """In the ledger."""
        return int(self._noted(device_id, sync_device_state.c.high_op_no) or 0)

    def heard(self, device_id: UUID) -> datetime | None:
        """Its last pull."""
        return cast("datetime | None", self._noted(device_id, sync_device_state.c.last_pull_at))

    def _noted(self, device_id: UUID, column: Column[Any]) -> Any:
        with self.host.unit() as ctx:
            return ctx.session.scalar(select(column).where(sync_device_state.c.device_id == device_id))

    def held_by(self, device_id: UUID) -> Mapping[str, RecordRow]:
        """Of its scope."""
        buckets = frozenset(bucket.key for bucket in self.host.scopes.get(device_id, ()))
        with self.host.unit() as ctx:
            return rows_in(ctx.session, buckets)

    def check_contents(self) -> None:
        """Read all from the disk."""
        with self.host.unit() as ctx:
            check_store(ctx.session, self.host.store)

    def truth(self) -> Truth:
        """Everything."""
        with self.host.unit() as ctx:
            return truth_of(ctx.session, self.host.store)


def _must_be_fatal(error: DBAPIError) -> None:
    if not is_fatal(error):
        raise error
