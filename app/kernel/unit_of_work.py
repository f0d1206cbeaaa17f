"""One unit of work a request, task or command: session, time, actor, ids, events. Nobody else commits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import set_json_loads
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from app.config import Settings
from app.kernel.actor import NOBODY, Actor
from app.kernel.blobs import Blobs
from app.kernel.clock import Clock, utc_now
from app.kernel.ids import NewId, new_id
from app.kernel.lookups import Lookup
from app.kernel.outbox import Event, OutboxRow
from app.kernel.problems import Conflict, PreconditionFailed, Problem

log = logging.getLogger(__name__)

LIVE_CHANNEL = "live"


@dataclass(frozen=True)
class TaskRef:
    """A task by its dotted path (`app.room.tasks.name`) and the queue whose worker runs it."""

    path: str
    queue: str = "default"


Reactions = Mapping[type[Event], tuple[TaskRef, ...]]


@dataclass
class Runtime:
    """What a process needs to open units of work. Made once, in the composition root."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    lookups: Engine
    redis: Redis
    blobs: Blobs
    clock: Clock = utc_now
    new_id: NewId = new_id
    reactions: Reactions = field(default_factory=dict)
    constraint_problems: Mapping[str, type[Problem]] = field(default_factory=dict)
    ring: Callable[[list[OutboxRow]], None] = lambda rows: None

    @classmethod
    def build(cls, settings: Settings) -> Runtime:
        """Connect lazily: nothing is opened before the first unit of work."""
        engine = create_engine(
            settings.database_url,
            pool_size=settings.pool_size,
            max_overflow=settings.pool_size,
            pool_pre_ping=True,
            hide_parameters=True,  # an error's text must not quote the rows it was about
            connect_args={"options": "-c idle_in_transaction_session_timeout=60000 -c timezone=GMT"},
        )
        return cls(
            settings=settings,
            engine=engine,
            sessions=sessionmaker(engine, expire_on_commit=False),
            lookups=_lookups(settings),
            redis=Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2),
            blobs=Blobs(settings.blob_root, settings.blob_bucket),
        )

    def look_up(self, asked: Lookup, bound: Mapping[str, Any]) -> Any:
        """The first row of what is asked all day: it is its own snapshot, and no transaction is begun for it.

        Its connections plan a statement once and look rows up by index. Without that a tablet's idle poll costs the
        database twice as much on tables that nobody has analysed yet, most of it planning, and reads them whole.

        Raises:
            psycopg.Error: as any statement; nobody has asked before whether the connection still stands.
        """
        joined = self.sessions.kw["bind"]
        if isinstance(joined, Connection):  # joined to somebody's transaction it sees what that one sees
            return asked.first(joined.connection, bound, prepared=False)
        with closing(self.lookups.raw_connection()) as connection:
            return asked.first(connection, bound)

    @contextmanager
    def unit_of_work(self, actor: Actor = NOBODY) -> Iterator[UnitOfWork]:
        """Open one; leaving it without an exception commits, an exception rolls back.

        Raises:
            Problem: a named constraint said no at flush or commit.
        """
        with self.sessions() as session:
            uow = UnitOfWork(runtime=self, session=session, now=self.clock(), actor=actor)
            session.info["uow"] = uow
            with self.violations_as_problems():
                try:
                    yield uow
                    uow.commit()
                except BaseException as error:
                    if isinstance(error, Problem) and error.remembered:
                        uow.commit()
                    session.rollback()
                    raise
            uow.after_commit()

    @contextmanager
    def violations_as_problems(self) -> Iterator[None]:
        """Named constraints speak the same language as the rules they back."""
        try:
            yield
        except IntegrityError as error:
            name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
            problem = self.constraint_problems.get(name or "")
            if problem is None:
                log.exception("constraint without a problem", extra={"constraint": name})
                raise Conflict(constraint=name) from error
            raise problem() from error
        except StaleDataError as error:
            raise PreconditionFailed from error


def _lookups(settings: Settings) -> Engine:
    planning = ("plan_cache_mode=force_generic_plan", "enable_seqscan=off", "enable_bitmapscan=off", "timezone=GMT")
    engine = create_engine(
        settings.database_url,
        pool_size=settings.pool_size,
        pool_use_lifo=True,  # the connection used last knows the statement, and its process is still warm
        pool_reset_on_return=None,  # nothing is ever open
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"options": " ".join(f"-c {one}" for one in planning)},
    )
    listen(engine, "connect", lambda driver, _: set_json_loads(orjson.loads, driver))
    return engine


@dataclass
class UnitOfWork:
    """One transaction and what belongs to it. `now` is read once, so all rows of a request agree."""

    runtime: Runtime
    session: Session
    now: datetime
    actor: Actor
    device_id: UUID | None = None
    op_no: int | None = None
    _events: list[Event] = field(default_factory=list)
    _rows: list[OutboxRow] = field(default_factory=list)
    _live_branches: set[UUID] = field(default_factory=set)
    _live_records: set[tuple[UUID, str, UUID]] = field(default_factory=set)

    def new_id(self) -> UUID:
        """A fresh UUIDv7."""
        return self.runtime.new_id()

    def emit(self, event: Event) -> None:
        """Announce a fact; its tasks become outbox rows of this same transaction."""
        self._events.append(event)

    def wake_live(self, branch_id: UUID, entity: str | None = None, record_id: UUID | None = None) -> None:
        """Live screens of this branch look for changes once this is committed.

        With `entity` and `record_id` they are told of that record too: for what changes without a new revision.
        """
        self._live_branches.add(branch_id)
        if entity is not None and record_id is not None:
            self._live_records.add((branch_id, entity, record_id))

    def take_live_records(self) -> set[tuple[UUID, str, UUID]]:
        """The (branch, entity, record) triples to tell live screens of, once: for the change tracker."""
        taken, self._live_records = self._live_records, set()
        return taken

    def ring_after_commit(self, rows: list[OutboxRow]) -> None:
        """Ring once more for rows that are there already."""
        self._rows.extend(rows)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo rows *and* events of the block if it raises; constraint violations come out as problems."""
        events = len(self._events)
        try:
            with self.runtime.violations_as_problems(), self.session.begin_nested():
                yield
                self.session.flush()  # a violated constraint must speak inside the savepoint
        except BaseException:
            del self._events[events:]
            # SQLAlchemy expires what the block wrote, but not what it merely loaded: a row read after a flush inside
            # the savepoint would keep a revision that never was.
            self.session.expire_all()
            raise

    def commit(self) -> None:
        """Write events to the outbox and commit. Called by the owner of the unit only."""
        for event in self._events:
            for task in self.runtime.reactions.get(type(event), ()):
                self._rows.append(self._outbox_row(event, task))
        self._events.clear()
        self.session.add_all(self._rows)
        self.session.commit()

    def after_commit(self) -> None:
        """Ring for tasks and wake live screens. A lost ring costs time, never work: sweepers ring again."""
        try:
            if self._rows:
                self.runtime.ring(self._rows)
            for branch_id in self._live_branches:
                self.runtime.redis.publish(LIVE_CHANNEL, str(branch_id))
        except RedisError as error:
            log.warning("doorbell not reached", extra={"error": type(error).__name__})

    def _outbox_row(self, event: Event, task: TaskRef) -> OutboxRow:
        return OutboxRow(
            id=self.new_id(),
            event=event.kind(),
            task=task.path,
            queue=task.queue,
            payload=event.payload(),
            created_at=self.now,
            due_at=self.now,
        )
