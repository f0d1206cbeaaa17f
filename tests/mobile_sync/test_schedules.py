"""The invariants of sync under schedules nobody would write by hand, on a real database.

I1 what was pulled is what was committed · I2 no revision goes back · I3 a grown replica equals a fresh one · I5 an
open foreign transaction delays nothing · I7, I8 buckets hold what their predicate says · I9 moves converge · I12
replays change nothing · I14 merges of different fields commute.
"""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from mobile_sync.adapters import entries
from mobile_sync.adapters.entries import bucket_ids
from mobile_sync.adapters.sql import (
    Author,
    SqlFeed,
    changes_since,
    ensure_epoch,
    rebuild,
    seed_entries,
    stamp,
    touch,
    tracker_of,
)
from mobile_sync.adapters.tables import sync_bucket, sync_epoch, sync_op
from mobile_sync.tablet import Tablet
from mobile_sync.testing import Ticker
from tests.mobile_sync.conftest import empty
from tests.mobile_sync.sample import Shop, Unit, delete_note, note, save_note
from tests.mobile_sync.worlds import MemoryWorld

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


@settings(max_examples=20, deadline=None, suppress_health_check=LENIENT)
@given(schedule=steps)
def test_any_schedule_of_open_transactions_converges(shop: Shop, sync_engine: Engine, schedule: list[Any]) -> None:
    stage = given_stage(shop, sync_engine)
    try:
        for step in schedule:
            stage.play(step)
        stage.settle()
    finally:
        for session in stage.open.values():
            session.close()


def planted_mark_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer leaves an entry alone that is dirty already."""
    lines = str(entries._ENTER).splitlines()
    kept = [line for line in lines if "ON CONFLICT" not in line]
    skipping = text("\n".join([*kept, "ON CONFLICT DO NOTHING"])).bindparams(*entries._ENTER._bindparams.values())
    monkeypatch.setattr(entries, "_ENTER", skipping)


def planted_exit_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that moves does not leave its old bucket."""
    harmless = text(str(entries._LEAVE) + " AND false").bindparams(*entries._LEAVE._bindparams.values())
    monkeypatch.setattr(entries, "_LEAVE", harmless)


def planted_stamp_at_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """The naive cursor: a number taken when the row is written, from a counter that does not wait for the commit."""
    numbered = text(
        """
        WITH n AS (SELECT bucket_id, entity, rec_id, nextval('naive_seq') AS seq
                   FROM unnest(:bucket_id, :entity, :rec_id) AS m(bucket_id, entity, rec_id))
        INSERT INTO sync_entry (bucket_id, entity, rec_id, seq, dirty, row_hash) SELECT n.*, false, 0 FROM n
        ON CONFLICT (bucket_id, entity, rec_id)
        DO UPDATE SET seq = excluded.seq, dirty = false, row_hash = 0, gone = false, gone_at = NULL
        """
    ).bindparams(*entries._ENTER._bindparams.values())
    monkeypatch.setattr(entries, "_ENTER", numbered)


NAIVE_SEQUENCE = "CREATE SEQUENCE IF NOT EXISTS naive_seq"
OVERTAKEN = [("write", 0, 0, "change"), ("write", 1, 0, "change"), ("commit", 1), ("pull", 4), ("commit", 0)]
MOVED = [("write", 0, 0, "move to a"), ("commit", 0), ("pull", 4), ("write", 0, 0, "move to b")]
REWRITTEN = [("write", 0, 0, "change"), ("commit", 0), ("write", 0, 0, "change"), ("pull", 4), ("commit", 0)]


@pytest.mark.parametrize(
    ("plant", "schedule"),
    [(planted_mark_skipped, REWRITTEN), (planted_exit_missing, MOVED), (planted_stamp_at_write, OVERTAKEN)],
    ids=["mark skipped", "exit missing", "number taken at write"],
)
def test_planted_bugs_are_caught(
    shop: Shop,
    sync_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
    schedule: list[Any],
) -> None:
    with sync_engine.begin() as connection:
        connection.execute(text(NAIVE_SEQUENCE))
    plant(monkeypatch)
    stage = given_stage(shop, sync_engine)
    with pytest.raises(AssertionError, match=r"I[1378]"):
        for step in [*schedule, ("pull", 4)]:
            stage.play(step)
        stage.settle()
    for session in stage.open.values():
        session.close()


class Crowd:
    """Threads that write, pull and kill connections until the writers are done; what goes wrong in one is kept."""

    def __init__(self, shop: Shop, engine: Engine) -> None:
        self.shop, self.engine = shop, engine
        self.shared = [uuid7() for _ in range(25)]
        self.over = threading.Event()
        self.failures: list[BaseException] = []

    def thread(self, work: Callable[..., None], *args: Any) -> threading.Thread:
        """One of the crowd."""

        def run() -> None:
            try:
                work(*args)
            except BaseException as error:
                self.failures.append(error)
                raise

        return threading.Thread(target=run, daemon=True)

    def write(self, number: int) -> None:
        """Twenty transactions over shared records, each with a record of its own."""
        for turn in range(20):
            rec_id = self.shared[(number * 7 + turn * 3) % len(self.shared)]
            with_retries(partial(self._write_once, rec_id, turn, SHELVES[(number + turn) % 2]))

    def _write_once(self, rec_id: UUID, turn: int, shelf: str) -> None:
        with self.shop.unit() as ctx:
            save_note(ctx, rec_id, {"size": turn, "shelf": shelf})
            save_note(ctx, uuid7(), {"size": turn})

    def read(self, tablet: Tablet) -> None:
        """Pull and look until it is over."""
        revs: dict[str, int] = {}
        while not self.over.is_set():
            with_retries(lambda: tablet.pull(limit=17), then=tablet.restart)
            assert not tablet.replica.mismatched
            for key, held in tablet.replica.docs.items():
                assert held["rev"] >= revs.get(key, 0)
                revs[key] = held["rev"]

    def kill(self) -> None:
        """End whatever has been running longest, ten times a second."""
        while not self.over.wait(0.1):
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(KILL_ONE))


def test_writers_pullers_and_killed_connections_converge(shop: Shop, sync_engine: Engine) -> None:
    stage = given_stage(shop, sync_engine)
    tablets = [Tablet(stage.tablet.post, shop.clock) for _ in range(2)]
    crowd = Crowd(shop, sync_engine)
    writers = [crowd.thread(crowd.write, number) for number in range(3)]
    others = [crowd.thread(crowd.kill), *(crowd.thread(crowd.read, tablet) for tablet in tablets)]
    for thread in [*writers, *others]:
        thread.start()
    for thread in writers:
        thread.join(timeout=60)
    crowd.over.set()
    for thread in others:
        thread.join(timeout=20)
    assert crowd.failures == []
    for tablet in tablets:
        with_retries(tablet.pull, then=tablet.restart)
        assert_converged(shop, tablet)


KILL_ONE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' ORDER BY query_start LIMIT 1
"""


def with_retries(work: Callable[[], Any], then: Callable[[], None] = lambda: None) -> None:
    """As clients do when the database went away under them."""
    for _ in range(20):
        try:
            work()
        except DBAPIError:
            then()
        else:
            return
    raise AssertionError("it never came back")


def test_L3_an_open_foreign_transaction_delays_nothing(shop: Shop, sync_engine: Engine) -> None:
    stage = given_stage(shop, sync_engine)
    with shop.sessions() as forgotten:
        save_note(Unit(forgotten, shop.clock()), uuid7(), {"size": 1})
        tracker_of(forgotten).flush(forgotten)
        for _ in range(3):
            with shop.unit() as ctx:
                save_note(ctx, uuid7(), {"size": 2})
            stage.pull(limit=10)
        assert len(stage.tablet.replica.docs) == 3
        forgotten.commit()
    stage.pull(limit=10)
    assert len(stage.tablet.replica.docs) == 4


def test_L3_a_write_does_not_wait_for_a_pull(shop: Shop, sync_engine: Engine) -> None:
    given_stage(shop, sync_engine)
    rec_id = uuid7()
    with shop.unit() as ctx:
        save_note(ctx, rec_id, {"size": 1})
    with shop.snapshot() as reading:
        reading.session.execute(select(note)).all()
        with shop.unit() as ctx:
            ctx.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            save_note(ctx, rec_id, {"size": 2})
    with shop.snapshot() as later:
        assert later.session.scalar(select(note.c.fields["size"].as_integer()).where(note.c.id == rec_id)) == 2


def test_L3_a_bucket_that_is_being_numbered_is_left_alone(shop: Shop, sync_engine: Engine) -> None:
    given_stage(shop, sync_engine)
    with shop.unit() as ctx:
        save_note(ctx, uuid7(), {"size": 1})
    with shop.sessions() as first, shop.sessions() as second:
        assert stamp(first, ["shelf:a"]) == 1
        assert stamp(second, ["shelf:a"]) == 0
        first.commit()
        second.rollback()
        assert stamp(second, ["shelf:a"]) == 0


def test_P18_two_pushes_of_one_device_are_taken_one_after_the_other(shop: Shop, sync_engine: Engine) -> None:
    stage = given_stage(shop, sync_engine)
    ops = [{**stage.tablet.op("create", "note", uuid7(), {"size": number}), "op_no": number} for number in range(1, 31)]
    told: list[Any] = []

    def push_all() -> None:
        told.append(stage.tablet.post("push", stage.tablet.batch(ops))["results"])

    threads = [threading.Thread(target=push_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(told) == 4
    assert all(results == told[0] for results in told)
    with shop.unit() as ctx:
        assert ctx.session.scalar(select(func.count()).select_from(note)) == 30
        assert ctx.session.scalar(select(func.count()).select_from(sync_op)) == 30


def test_T3_a_cursor_below_what_is_kept_is_reset(shop: Shop, sync_engine: Engine) -> None:
    stage = given_stage(shop, sync_engine)
    stage.pull(limit=10)
    for _ in range(5):
        with shop.unit() as ctx:
            save_note(ctx, uuid7(), {"size": 1})
        stage.pull(limit=10)
    with shop.unit() as ctx:
        ctx.session.execute(
            update(sync_bucket).values(low_seq=sync_bucket.c.high_seq).where(sync_bucket.c.key == "shelf:a")
        )
    asked = {"epoch": stage.tablet.replica.epoch, "cursors": {"shelf:a": 3, "shelf:b": 0}}
    page = stage.tablet.post("pull", asked)
    assert [state["reset"] for state in page["buckets"]] == [True, False]
    assert len(page["changes"]) == 5


def test_W11_a_copied_database_begins_a_new_epoch(shop: Shop) -> None:
    with shop.unit() as ctx:
        before = ensure_epoch(ctx.session)
        assert ensure_epoch(ctx.session) == before
        ctx.session.execute(update(sync_epoch).values(fingerprint="another cluster"))
    with shop.unit() as ctx:
        after = ensure_epoch(ctx.session)
    assert after != before


def test_rebuilding_a_bucket_changes_only_what_is_wrong(shop: Shop, sync_engine: Engine) -> None:
    stage = given_stage(shop, sync_engine)
    ids = [uuid7() for _ in range(4)]
    for rec_id in ids:
        with shop.unit() as ctx:
            save_note(ctx, rec_id, {"size": 1})
    stage.pull(limit=10)
    with shop.unit() as ctx:
        ctx.session.execute(update(note).values(shelf="b").where(note.c.id == ids[0]))
        assert rebuild(ctx.session, ["shelf:a", "shelf:b"], PLACED) == 2
    with shop.unit() as ctx:
        assert rebuild(ctx.session, ["shelf:a", "shelf:b"], PLACED) == 0
    stage.pull(limit=10)
    assert_converged(shop, stage.tablet)


PLACED = "SELECT 'shelf:' || shelf AS bucket_key, 'note' AS entity, id AS rec_id FROM sample_note WHERE NOT deleted"


def test_a_live_screen_resumes_where_it_was(shop: Shop, sync_engine: Engine) -> None:
    given_stage(shop, sync_engine)
    with shop.unit() as ctx:
        start = changes_since(ctx.session, "shelf:a", None)
    rec_id = uuid7()
    for size in (1, 2):
        with shop.unit() as ctx:
            save_note(ctx, rec_id, {"size": size})
    with shop.unit() as ctx:
        stamp(ctx.session, ["shelf:a"])
    with shop.unit() as ctx:
        missed = changes_since(ctx.session, "shelf:a", start.next_seq)
        assert [(entry.rec_id, entry.gone) for entry in missed.entries] == [(rec_id, False)]
        assert changes_since(ctx.session, "shelf:a", missed.next_seq).entries == ()
        assert changes_since(ctx.session, "shelf:a", missed.next_seq + 1).reset


values = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["a", "b", "a\nb"]), st.just(["x"]))
changes = st.dictionaries(
    st.sampled_from(["title", "size", "log", "tags", "colour", "price", "seal"]), values, max_size=3
)


@settings(max_examples=60, deadline=None)
@given(
    ops=st.lists(st.tuples(st.integers(0, 2), changes), min_size=1, max_size=8),
    cuts=st.lists(st.tuples(st.integers(0, 7), st.integers(1, 8)), max_size=6),
)
def test_any_replay_and_any_cutting_gives_the_same_results(ops: list[Any], cuts: list[tuple[int, int]]) -> None:
    ids = [uuid7() for _ in range(3)]
    told = [_results(ids, ops, cutting) for cutting in ([(0, len(ops))], [*cuts, (0, len(ops))])]
    assert told[0] == told[1]


def _results(ids: list[UUID], ops: list[Any], cuts: list[tuple[int, int]]) -> Any:
    """Send slices of the same ops, some again, some too early; the last slice is all of them."""
    world = MemoryWorld(Ticker(A_DAY))
    tablet = world.tablet("a")
    made = [
        {**tablet.op("create", "note", ids[index], fields), "op_no": number}
        for number, (index, fields) in enumerate(ops, start=1)
    ]
    for start, size in cuts:
        answered = tablet.post("push", tablet.batch(made[start : start + size]))
    stripped = [
        {**result, "fields": {name: {**one, "conflict_id": None} for name, one in result.get("fields", {}).items()}}
        for result in answered["results"]
    ]
    fresh = world.tablet("a")
    fresh.pull()
    return stripped, {key: held["doc"] for key, held in fresh.replica.docs.items()}


@settings(max_examples=40, deadline=None)
@given(mine=changes, theirs=changes)
def test_merges_of_different_fields_commute(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    theirs = {name: value for name, value in theirs.items() if name not in mine}
    assert _both_orders(mine, theirs) == _both_orders(theirs, mine)


def _both_orders(first: dict[str, Any], second: dict[str, Any]) -> Any:
    world = MemoryWorld(Ticker(A_DAY))
    rec_id = uuid7()
    world.save(rec_id, title="t")
    one, two = world.tablet("a"), world.tablet("a")
    one.pull(), two.pull()
    one.update("note", rec_id, first)
    two.update("note", rec_id, second)
    one.push(), two.push()
    one.pull()
    return {name: value for name, value in (one.see("note", rec_id) or {}).items() if value is not None}


def test_plans_hold_on_a_database_that_was_never_analysed(shop: Shop, sync_engine: Engine) -> None:
    given_stage(shop, sync_engine)
    with sync_engine.begin() as connection:
        connection.execute(text("ALTER TABLE sync_entry SET (autovacuum_enabled = off)"))
    with shop.unit() as ctx:
        ctx.session.execute(text(MANY_NOTES))
        assert seed_entries(ctx.session, SEEDED) == 20_000
    with shop.unit() as ctx:
        for rec_id in ctx.session.scalars(select(note.c.id).limit(50)):
            touch(ctx.session, "note", rec_id)
        tracker_of(ctx.session).flush(ctx.session)
        assert _entries_read(ctx.session) < 500, "a write reads its own entries only"
    with shop.unit() as ctx:
        assert stamp(ctx.session, ["shelf:a"]) == 50
        assert _entries_read(ctx.session) < 500, "a stamp reads what is dirty only"
    with shop.snapshot() as reading:
        feed = SqlFeed(reading.session)
        assert feed.buckets(["shelf:a"])["shelf:a"].row_count == 20_000
        assert len(feed.entries("shelf:a", since=0, limit=100)) == 100
        assert len(feed.entries("shelf:a", since=20_000, limit=100)) == 50
        assert _entries_read(reading.session) < 500, "a page reads its own changes only"


SEEDED = "SELECT 'shelf:a' AS bucket_key, 'note' AS entity, id AS rec_id FROM sample_note"
MANY_NOTES = """
    INSERT INTO sample_note (id, rev, deleted, shelf, fields)
    SELECT gen_random_uuid(), 1, false, 'a', '{"title": "x"}' FROM generate_series(1, 20000)
"""


def _entries_read(session: Session) -> int:
    """Rows of sync_entry that this transaction has touched so far."""
    query = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'sync_entry'"
    return int(session.execute(text(query)).scalar_one())
