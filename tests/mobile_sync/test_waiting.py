"""Who waits for whom: no write for a pull, nobody for a foreign transaction, a device for itself."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, func, select, text
from uuid_utils.compat import uuid7

from mobile_sync.adapters.sql import (
    stamp,
    tracker_of,
)
from mobile_sync.adapters.tables import sync_op
from tests.mobile_sync.sample import Shop, Unit, note, save_note
from tests.mobile_sync.stage import (
    given_stage,
)


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
