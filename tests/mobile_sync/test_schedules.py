"""The invariants of sync under schedules nobody would write by hand, on a real database.

I1 what was pulled is what was committed · I2 no revision goes back · I3 a grown replica equals a fresh one · I5 an
open foreign transaction delays nothing · I7, I8 buckets hold what their predicate says · I9 moves converge.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from mobile_sync.adapters import entries
from mobile_sync.tablet import Tablet
from tests.mobile_sync.sample import Shop, save_note
from tests.mobile_sync.stage import (
    LENIENT,
    SHELVES,
    assert_converged,
    given_stage,
    steps,
)


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
