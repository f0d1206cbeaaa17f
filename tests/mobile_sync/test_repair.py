"""What the centre does with ops that wait (SPEC.md, R): judged again, repaired, or ended, exactly once."""

# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from mobile_sync.adapters.tables import record_version, sync_op, sync_repair
from mobile_sync.protocol import Status
from mobile_sync.repair import NotWaiting, Unreadable
from mobile_sync.testing import Ticker
from tests.mobile_sync.centre import SUPPORT, Bench, MemoryBench, SqlBench
from tests.mobile_sync.sample import Shop


@pytest.fixture(params=["memory", "postgresql"])
def bench(request: pytest.FixtureRequest, clock: Ticker) -> Bench:
    """Every rule is tried on both ledgers."""
    return MemoryBench(clock) if request.param == "memory" else SqlBench(request.getfixturevalue("shop"))


@pytest.fixture
def sql_bench(shop: Shop) -> SqlBench:
    """For what only a database does."""
    return SqlBench(shop)


def broken(bench: Bench) -> UUID:
    """Op 1, which the application failed on; ops 2 and 3 of the same note and op 4 of another."""
    rec_id = uuid7()
    bench.tablet.create("note", rec_id, {"title": "breaks"})
    bench.tablet.update("note", rec_id, {"size": 2})
    bench.tablet.update("note", rec_id, {"colour": "red"}, depends_on=[2])
    bench.tablet.create("note", uuid7(), {"title": "other"})
    bench.tablet.push()
    statuses = [bench.tablet.result(number)["status"] for number in (1, 2, 3, 4)]
    assert statuses == ["quarantined", "held", "held", "applied"]
    return rec_id


def test_R1_an_op_is_judged_again_as_it_came_and_under_the_rules_of_today(bench: Bench) -> None:
    rec_id = broken(bench)
    assert bench.replay(1)[0].status is Status.QUARANTINED
    bench.mend()
    assert bench.replay(1)[0].status is Status.APPLIED
    assert bench.title(rec_id) == "mended"
    assert bench.versions(rec_id)[0] == (1, bench.device_id, 1)


def test_R1_what_is_written_is_by_the_person_of_its_batch(sql_bench: SqlBench) -> None:
    broken(sql_bench)
    sql_bench.repair(1, title="good")
    [version] = [row for row in sql_bench.rows(record_version) if row.op_no == 1]
    assert (version.actor, version.device_id) == (sql_bench.device_id, sql_bench.device_id)


def test_R1_an_op_goes_behind_those_that_wait_since_before_it(bench: Bench) -> None:
    rec_id = uuid7()
    bench.revoke()
    bench.tablet.create("note", rec_id, {"title": "first"})
    bench.tablet.update("note", rec_id, {"title": "second"})
    bench.tablet.push()
    [waits] = bench.replay(2)
    assert (waits.status, waits.refusal and waits.refusal.code) == (Status.HELD, "record_waits")
    first, second = bench.replay(1)
    assert (first.status, second.status, second.op_no) == (Status.APPLIED, Status.APPLIED, 2)
    assert bench.title(rec_id) == "second"


def test_R1_a_group_is_judged_again_whole(bench: Bench) -> None:
    one, two = uuid7(), uuid7()
    bench.tablet.record(
        bench.tablet.op("create", "note", one, {"title": "fine"}),
        bench.tablet.op("create", "note", two, {"title": "breaks"}),
    )
    bench.tablet.push()
    results = bench.repair(2, title="whole")
    assert [(one.op_no, one.status) for one in results] == [(1, Status.APPLIED), (2, Status.MERGED)]
    assert (bench.title(one), bench.title(two)) == ("fine", "whole")


def test_R2_somebody_vouches_for_what_a_lost_device_sent(bench: Bench) -> None:
    rec_id = uuid7()
    bench.revoke()
    bench.tablet.create("note", rec_id, {"title": "found again"})
    bench.tablet.push()
    assert bench.replay(1)[0].status is Status.APPLIED
    assert bench.title(rec_id) == "found again"


def test_R2_somebody_vouches_for_a_record_that_was_out_of_scope(bench: Bench) -> None:
    rec_id = uuid7()
    bench.save(rec_id, title="theirs", shelf="b")
    bench.tablet.update("note", rec_id, {"size": 5})
    bench.tablet.push()
    assert bench.tablet.result(1)["problem"]["code"] == "out_of_scope"
    assert bench.replay(1)[0].status is Status.APPLIED


def test_R3_a_replay_that_would_be_rejected_leaves_it_to_a_person(bench: Bench) -> None:
    rec_id = broken(bench)
    [refused] = bench.repair(1, title="forbidden")
    assert (refused.status, refused.refusal and refused.refusal.code) == (Status.REJECTED, "no_note")
    assert bench.asked(1)["status"] == "quarantined"
    [said] = bench.said()
    assert (said.verb, said.done, said.after["problem"]["code"]) == ("repaired", False, "no_note")
    assert bench.title(rec_id) is None


def test_R3_a_repaired_op_stays_repaired_for_the_next_replay(bench: Bench) -> None:
    rec_id = broken(bench)
    bench.repair(1, title="forbidden", size=7)
    bench.mend()
    assert bench.replay(1)[0].refusal is not None
    bench.repair(1, title="kept", size=7)
    assert bench.title(rec_id) == "kept"


def test_R3_a_refused_op_takes_its_group_along(bench: Bench) -> None:
    bench.tablet.record(
        bench.tablet.op("create", "note", uuid7(), {"title": "fine"}),
        bench.tablet.op("create", "note", uuid7(), {"title": "breaks"}),
    )
    bench.tablet.push()
    results = bench.refuse(2)
    assert [(one.op_no, one.refusal and one.refusal.code) for one in results] == [
        (1, "group_rejected"),
        (2, "not_applied"),
    ]


@pytest.mark.parametrize("fields", [{"$deleted": True}, {"": 1}, {f"f{n}": n for n in range(201)}])
def test_R3_fields_that_make_no_op_are_refused_at_once(bench: Bench, fields: dict[str, Any]) -> None:
    broken(bench)
    with pytest.raises(Unreadable) as refused:
        bench.repair(1, **fields)
    assert [error.field for error in refused.value.refusal.errors] == ["fields"]
    assert bench.said() == []


def test_R4_what_waited_for_it_runs_in_order(bench: Bench) -> None:
    rec_id = broken(bench)
    results = bench.repair(1, title="good")
    assert [(one.op_no, one.status.value, one.centre and one.centre.verb.value) for one in results] == [
        (1, "merged", "repaired"),
        (2, "applied", "released"),
        (3, "applied", "released"),
    ]
    assert [rev for rev, _, _ in bench.versions(rec_id)] == [1, 2, 3]


def test_R4_what_depended_on_it_is_rejected_with_it(bench: Bench) -> None:
    bench.tablet.create("note", uuid7(), {"title": "breaks"})
    bench.tablet.create("note", uuid7(), {"title": "leans on it"}, depends_on=[1])
    bench.tablet.push()
    _, second = bench.refuse(1)
    assert (second.status, second.refusal and second.refusal.code) == (Status.REJECTED, "dependency_rejected")


def test_R5_the_tablet_hears_what_the_centre_did(bench: Bench) -> None:
    broken(bench)
    bench.repair(1, title="good", colour="dark")
    told = bench.asked(1)
    assert (told["status"], told["rev"], told["centre"]["verb"]) == ("merged", 1, "repaired")
    assert (told["centre"]["reason"], told["fields"]) == (
        "it was meant so",
        {name: {"outcome": "merged", "value": value} for name, value in {"title": "good", "colour": "dark"}.items()},
    )
    assert bench.asked(2)["centre"]["verb"] == "released"
    assert "centre" not in bench.asked(4)


def test_R5_a_field_that_was_taken_out_is_told_as_kept(bench: Bench) -> None:
    rec_id = uuid7()
    bench.save(rec_id, title="before", size=1)
    bench.tablet.pull()
    bench.tablet.update("note", rec_id, {"title": "breaks", "size": 2})
    bench.tablet.push()
    bench.repair(1, size=2)
    assert bench.asked(1)["fields"] == {"title": {"outcome": "kept", "value": "before"}}


def test_R5_a_refusal_is_told_with_its_reason(bench: Bench) -> None:
    broken(bench)
    bench.refuse(1)
    told = bench.asked(1)
    assert (told["status"], told["problem"]["code"], told["centre"]["reason"]) == (
        "rejected",
        "not_applied",
        "a mistake",
    )


def test_R6_the_op_stays_as_it_was_received(bench: Bench) -> None:
    broken(bench)
    before = bench.received()
    bench.repair(1, title="good")
    assert bench.received() == before
    [said] = [one for one in bench.said() if one.op_no == 1]
    assert (said.person_id, said.before["problem"]["code"], said.after["status"]) == (SUPPORT, "failed", "merged")


@pytest.mark.parametrize("again", [Bench.replay, Bench.refuse])
def test_R6_what_has_its_result_is_not_judged_again(bench: Bench, again: Callable[[Bench, int], Any]) -> None:
    broken(bench)
    bench.repair(1, title="good")
    for op_no in (1, 4, 99):
        with pytest.raises(NotWaiting):
            again(bench, op_no)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"body": {"op_no": 1}}, "sync_op_as_received"),
        ({"digest": b"x"}, "sync_op_as_received"),
        ({"actor": SUPPORT}, "sync_op_as_received"),
        ({"status": "rejected"}, "sync_op_final"),
        ({"result": {"op_no": 4, "status": "noop", "rev": 0}}, "sync_op_final"),
    ],
)
def test_R6_the_database_itself_refuses(
    sql_bench: SqlBench, shop: Shop, change: dict[str, Any], constraint: str
) -> None:
    broken(sql_bench)
    with pytest.raises(IntegrityError) as refused, shop.unit() as ctx:
        ctx.session.execute(update(sync_op).where(sync_op.c.op_no == 4).values(**change))
    assert refused.value.orig is not None
    assert refused.value.orig.diag.constraint_name == constraint  # type: ignore[attr-defined]


def test_R6_what_was_said_stands(sql_bench: SqlBench, shop: Shop) -> None:
    broken(sql_bench)
    sql_bench.refuse(1)
    with pytest.raises(IntegrityError), shop.unit() as ctx:
        ctx.session.execute(text("UPDATE sync_repair SET reason = 'another'"))


def test_R6_of_two_people_at_the_centre_one_is_told_that_it_is_done(sql_bench: SqlBench) -> None:
    broken(sql_bench)
    ready, told = Barrier(2), []

    def act(word: Callable[[int], Any]) -> None:
        ready.wait()
        try:
            word(1)
            told.append("done")
        except NotWaiting:
            told.append("late")

    threads = [
        Thread(target=act, args=(word,)) for word in (sql_bench.refuse, lambda no: sql_bench.repair(no, title="good"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["done", "late"]
    assert len([row for row in sql_bench.rows(sync_repair) if row.op_no == 1]) == 1


def test_R4_nothing_waits_for_it_any_more(bench: Bench) -> None:
    rec_id = broken(bench)
    bench.repair(1, title="good")
    bench.tablet.update("note", rec_id, {"size": 9})
    bench.tablet.push()
    assert bench.tablet.result(5)["status"] == "applied"
