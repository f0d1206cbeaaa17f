"""Buckets over time: cursors too old, another life, built anew, read by a live screen, never analysed."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from mobile_sync.adapters.sql import (
    SqlFeed,
    changes_since,
    ensure_epoch,
    rebuild,
    seed_entries,
    stamp,
    touch,
    tracker_of,
)
from mobile_sync.adapters.tables import sync_bucket, sync_epoch
from tests.mobile_sync.sample import Shop, note, save_note
from tests.mobile_sync.stage import (
    assert_converged,
    given_stage,
)


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
