"""A stage for schedules: writers whose transactions stay open, and pullers between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from mobile_sync.adapters.entries import bucket_ids
from mobile_sync.adapters.sql import (
    Author,
    ensure_epoch,
    tracker_of,
)
from mobile_sync.tablet import Tablet
from tests.mobile_sync.conftest import empty
from tests.mobile_sync.sample import Shop, Unit, delete_note, note, save_note

A_DAY = datetime(2026, 7, 16, tzinfo=UTC)
WRITERS, RECORDS, SHELVES = 3, 3, "ab"
LENIENT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

writes = st.tuples(
    st.just("write"),
    st.integers(0, WRITERS - 1),
    st.integers(0, RECORDS - 1),
    st.sampled_from(["change", "move to a", "move to b", "delete"]),
)
steps = st.lists(
    st.one_of(
        writes,
        writes,
        st.tuples(st.just("commit"), st.integers(0, WRITERS - 1)),
        st.tuples(st.just("roll back"), st.integers(0, WRITERS - 1)),
        st.tuples(st.just("pull"), st.integers(1, 4)),
    ),
    max_size=30,
)


def fresh_ids() -> list[list[UUID]]:
    """Records of each writer: writers never wait for each other's rows, so that one thread can play them all."""
    return [[uuid7() for _ in range(RECORDS)] for _ in range(WRITERS)]


@dataclass
class Stage:
    """Writers with open transactions, and a tablet that pulls in between."""

    shop: Shop
    tablet: Tablet
    ids: list[list[UUID]] = field(default_factory=fresh_ids)
    open: dict[int, Session] = field(default_factory=dict)
    revs: dict[str, int] = field(default_factory=dict)

    def play(self, step: tuple[Any, ...]) -> None:
        """One step."""
        match step:
            case ("write", writer, record, what):
                self._write(self._session(writer), self.ids[writer][record], what)
            case ("commit", writer) if writer in self.open:
                self._end(writer, Session.commit)
            case ("roll back", writer) if writer in self.open:
                self._end(writer, Session.rollback)
            case ("pull", limit):
                self.pull(limit)

    def _session(self, writer: int) -> Session:
        if writer not in self.open:
            self.open[writer] = self.shop.sessions()
            tracker_of(self.open[writer]).author = Author(at=self.shop.clock())
        return self.open[writer]

    def _end(self, writer: int, how: Callable[[Session], None]) -> None:
        session = self.open.pop(writer)
        how(session)
        session.close()

    def _write(self, session: Session, rec_id: UUID, what: str) -> None:
        ctx = Unit(session, self.shop.clock())
        deleted = session.scalar(select(note.c.deleted).where(note.c.id == rec_id))
        if deleted or (what == "delete" and deleted is None):
            return
        if what == "delete":
            delete_note(ctx, rec_id)
        else:
            save_note(ctx, rec_id, {"shelf": what[-1]} if what.startswith("move") else {"size": 1})
        tracker_of(session).flush(session)  # written early and held open: the worst a writer can do

    def pull(self, limit: int) -> None:
        """Pull, and look at what came."""
        self.tablet.pull(limit=limit)
        assert not self.tablet.replica.mismatched, "I8: the replica does not add up"
        for key, held in self.tablet.replica.docs.items():
            assert held["rev"] >= self.revs.get(key, 0), "I2: a revision went back"
            self.revs[key] = held["rev"]

    def settle(self) -> None:
        """Everybody commits; the tablet pulls; nothing may be missing."""
        for writer in list(self.open):
            self._end(writer, Session.commit)
        self.pull(limit=3)
        assert_converged(self.shop, self.tablet)


def assert_converged(shop: Shop, tablet: Tablet) -> None:
    """I1, I3, I7, I8: replica = truth = a fresh replica, and each record is in the bucket its row says."""
    with shop.unit() as ctx:
        rows = ctx.session.execute(select(note).where(note.c.deleted.is_(False))).all()
    truth = {f"note/{row.id}": row.rev for row in rows if row.shelf in SHELVES}
    assert {key: held["rev"] for key, held in tablet.replica.docs.items()} == truth, "I1: not what was committed"
    fresh = Tablet(tablet.post, tablet.clock)
    fresh.pull()
    assert fresh.replica.docs == tablet.replica.docs, "I3: not what a fresh device gets"
    assert fresh.replica.members == tablet.replica.members, "I3: seqs differ"
    placed = {(f"shelf:{row.shelf}", f"note/{row.id}") for row in rows if row.shelf in SHELVES}
    members = {(bucket, key) for bucket, held in tablet.replica.members.items() for key in held}
    assert members == placed, "I7: a bucket does not hold what its predicate says"


def given_stage(shop: Shop, engine: Engine) -> Stage:
    """An empty shop and one tablet with all shelves."""
    empty(engine)
    device_id = uuid7()
    shop.scopes = {device_id: set(SHELVES)}
    with shop.unit() as ctx:  # a bucket's first writer is waited for by its second; buckets are made when crews are
        ensure_epoch(ctx.session)
        bucket_ids(ctx.session, {f"shelf:{shelf}" for shelf in SHELVES})
    return Stage(shop, Tablet(shop.post(device_id), shop.clock))
