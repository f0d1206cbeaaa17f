"""SPEC.md L, S and T: pages, cursors, checksums, scope."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from mobile_sync.replica import Replica
from mobile_sync.tablet import Tablet
from tests.mobile_sync.test_push import codes, statuses
from tests.mobile_sync.worlds import World


def ask(tablet: Tablet, **members: Any) -> dict[str, Any]:
    """One page, past the replica."""
    return dict(tablet.post("pull", {**tablet.replica.request([]), **members}))


def titles(tablet: Tablet) -> set[str]:
    """What the replica holds."""
    return {held["doc"]["title"] for held in tablet.replica.docs.values()}


def fresh_copy(tablet: Tablet) -> Replica:
    """What the same device would hold had it just been enrolled."""
    twin = Tablet(tablet.post, tablet.clock)
    twin.pull()
    return twin.replica


def test_L1_a_cursor_brings_only_what_is_new(world: World) -> None:
    tablet = world.tablet("a")
    world.save(uuid7(), title="one")
    tablet.pull()
    world.save(uuid7(), title="two")
    page = ask(tablet)
    assert [change["doc"]["title"] for change in page["changes"]] == ["two"]


def test_L2_ten_rewrites_are_one_change(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    for number in range(10):
        world.save(rec_id, title=f"{number}")
    tablet.pull()
    for number in range(10):
        world.save(rec_id, title=f"again {number}")
    page = ask(tablet)
    assert [change["doc"]["title"] for change in page["changes"]] == ["again 9"]


def test_L4_a_page_carries_the_documents_of_its_own_snapshot(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    rev = world.save(rec_id, title="x")
    change = ask(tablet)["changes"][0]
    assert (change["rev"], change["doc"]["title"], change["gone"]) == (rev, "x", False)


def test_L5_pages_are_cut_over_all_buckets_and_come_together(world: World) -> None:
    tablet = world.tablet("a", "b")
    for number in range(7):
        world.save(uuid7(), title=f"{number}", shelf="ab"[number % 2])
    page = ask(tablet, limit=3)
    assert len(page["changes"]) == 3
    assert [(state["key"], state["more"]) for state in page["buckets"]] == [("shelf:a", True), ("shelf:b", True)]
    assert tablet.pull(limit=3) == 3
    assert len(tablet.replica.docs) == 7


def test_L6_nothing_is_applied_before_the_last_page(world: World) -> None:
    tablet = world.tablet("a")
    for number in range(4):
        world.save(uuid7(), title=f"{number}")
    tablet.staged = [ask(tablet, limit=3)]
    assert tablet.replica.docs == {}
    tablet.restart()
    tablet.pull(limit=3)
    assert len(tablet.replica.docs) == 4


def test_L6_a_full_outbox_does_not_stop_a_pull_and_shows_on_top(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="a", colour="red")
    tablet.pull()
    tablet.update("note", rec_id, {"title": "mine"})
    world.save(rec_id, title="desk", colour="blue")
    tablet.pull()
    seen = tablet.see("note", rec_id) or {}
    assert (seen["title"], seen["colour"]) == ("mine", "blue")
    tablet.push()
    assert (tablet.see("note", rec_id) or {})["title"] == "desk"  # a conflict: the server's value stands


def test_L6_an_answered_op_shows_until_the_replica_has_it(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="a")
    tablet.pull()
    tablet.update("note", rec_id, {"title": "mine"})
    tablet.push()
    assert tablet.replica.docs[f"note/{rec_id}"]["doc"]["title"] == "a"
    assert (tablet.see("note", rec_id) or {})["title"] == "mine"
    tablet.pull()
    assert tablet.replica.docs[f"note/{rec_id}"]["doc"]["title"] == "mine"


def test_L7_the_checksum_finds_and_heals_a_lost_row(world: World) -> None:
    tablet = world.tablet("a")
    kept, lost = uuid7(), uuid7()
    world.save(kept, title="kept")
    world.save(lost, title="lost")
    tablet.pull()
    del tablet.replica.members["shelf:a"][f"note/{lost}"]
    del tablet.replica.docs[f"note/{lost}"]
    tablet.pull()
    assert tablet.replica.mismatched == {"shelf:a"}
    tablet.pull()
    assert tablet.replica.mismatched == set()
    assert titles(tablet) == {"kept", "lost"}


def test_L7_the_checksum_holds_after_any_kind_of_change(world: World) -> None:
    tablet = world.tablet("a", "b")
    ids = [uuid7() for _ in range(6)]
    for rec_id in ids:
        world.save(rec_id, title="x")
    tablet.pull()
    world.save(ids[0], title="changed")
    world.save(ids[1], shelf="b")
    world.save(ids[2], shelf="c")
    world.delete(ids[3])
    tablet.pull()
    assert tablet.replica.mismatched == set()
    assert tablet.replica.members.keys() == {"shelf:a", "shelf:b"}
    assert [len(held) for held in tablet.replica.members.values()] == [3, 1]


def test_L8_a_new_epoch_verifies_the_whole_replica(world: World) -> None:
    tablet = world.tablet("a")
    world.save(uuid7(), title="x")
    tablet.pull()
    tablet.replica.docs["note/ghost"] = {"rev": 1, "doc": {"title": "ghost"}}
    tablet.replica.members["shelf:a"]["note/ghost"] = 1
    tablet.create("note", uuid7(), {"title": "unsent"})
    world.restore()
    page = ask(tablet)
    assert page["buckets"][0]["reset"] is True
    tablet.pull()
    assert titles(tablet) == {"x"}
    assert statuses(tablet) == ["pending"]


def test_L8_a_cursor_from_the_future_is_reset(world: World) -> None:
    tablet = world.tablet("a")
    world.save(uuid7(), title="x")
    tablet.pull()
    page = ask(tablet, cursors={"shelf:a": 10**9})
    assert [state["reset"] for state in page["buckets"]] == [True]
    assert len(page["changes"]) == 1


def test_L9_a_lower_revision_never_follows_a_higher_one(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    seen = []
    for number in range(5):
        world.save(rec_id, title=f"{number}")
        tablet.pull()
        seen.append(tablet.replica.docs[f"note/{rec_id}"]["rev"])
    assert seen == sorted(set(seen))


def test_L11_pulling_again_changes_nothing(world: World) -> None:
    tablet = world.tablet("a")
    world.save(uuid7(), title="x")
    tablet.pull()
    before = (dict(tablet.replica.cursors), dict(tablet.replica.docs))
    tablet.pull()
    assert (tablet.replica.cursors, tablet.replica.docs) == before


def test_S1_a_device_gets_its_own_buckets_only(world: World) -> None:
    tablet = world.tablet("a")
    world.save(uuid7(), title="mine", shelf="a")
    world.save(uuid7(), title="foreign", shelf="b")
    page = ask(tablet, cursors={"shelf:b": 0, "shelf:a": 0})
    assert [state["key"] for state in page["buckets"]] == ["shelf:a"]
    assert page["dropped"] == ["shelf:b"]
    assert [change["doc"]["title"] for change in page["changes"]] == ["mine"]


def test_S2_a_record_that_moves_leaves_one_bucket_and_enters_the_other(world: World) -> None:
    left, entered = world.tablet("a"), world.tablet("b")
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="a")
    left.pull(), entered.pull()
    world.save(rec_id, shelf="b")
    page = ask(left)
    assert [(change["gone"], "doc" in change) for change in page["changes"]] == [(True, False)]
    left.pull(), entered.pull()
    assert (titles(left), titles(entered)) == (set(), {"x"})


def test_S2_there_and_back_again_converges(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    for shelf in ("a", "b", "a", "b", "a"):
        world.save(rec_id, title=shelf, shelf=shelf)
        tablet.pull()
        assert tablet.replica.mismatched == set()
    assert titles(tablet) == {"a"}
    assert tablet.replica.docs == fresh_copy(tablet).docs


def test_S2_a_bucket_from_the_start_has_no_gone_entries(world: World) -> None:
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="a")
    world.tablet("a").pull()
    world.save(rec_id, shelf="b")
    assert ask(world.tablet("a"))["changes"] == []


def test_S3_a_record_in_two_buckets_survives_the_loss_of_one(world: World) -> None:
    tablet = world.tablet("a", "b")
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="a")
    tablet.pull()
    world.save(rec_id, shelf="b")
    tablet.pull()
    assert titles(tablet) == {"x"}


def test_S4_a_dropped_bucket_goes_and_an_added_one_comes(world: World) -> None:
    tablet = world.tablet("a")
    world.save(uuid7(), title="in a", shelf="a")
    world.save(uuid7(), title="in b", shelf="b")
    tablet.pull()
    world.scope(tablet, "b")
    tablet.pull()
    assert titles(tablet) == {"in b"}
    assert tablet.replica.cursors.keys() == {"shelf:b"}


def test_S5_unsent_edits_outlive_scope(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="a")
    tablet.pull()
    world.clock.tick(minutes=5)
    tablet.update("note", rec_id, {"title": "done before the move"})
    world.clock.tick(minutes=5)
    world.save(rec_id, shelf="b")
    tablet.pull()
    assert tablet.replica.shadows == {f"note/{rec_id}"}
    tablet.push()
    assert statuses(tablet) == ["applied"]
    tablet.pull()
    assert tablet.replica.docs == {}


def test_S5_work_done_after_the_record_left_is_quarantined(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="a")
    tablet.pull()
    world.clock.tick(minutes=5)
    world.save(rec_id, shelf="b")
    tablet.pull()
    world.clock.tick(minutes=5)
    tablet.update("note", rec_id, {"title": "too late"})
    tablet.push()
    assert codes(tablet) == ["out_of_scope"]


def test_S5_a_device_may_speak_of_what_it_cannot_know_to_have_left(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="a")
    tablet.pull()
    world.clock.tick(minutes=5)
    world.save(rec_id, shelf="b")
    world.clock.tick(hours=5)
    tablet.update("note", rec_id, {"title": "done in the woods"})
    tablet.sync()
    assert statuses(tablet) == ["applied"]
    assert tablet.replica.docs == {}


def test_S5_a_batch_that_was_long_under_way_says_when_its_work_was_done(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="a")
    tablet.pull()
    world.clock.tick(minutes=5)
    tablet.update("note", rec_id, {"title": "done before the move"})
    batch = tablet.batch(tablet.outbox.to_send())
    world.clock.tick(minutes=5)
    world.save(rec_id, shelf="b")
    world.tablet("a").pull()
    world.clock.tick(days=40)
    told = tablet.post("push", batch)
    assert [one["status"] for one in told["results"]] == ["applied"]


@pytest.mark.parametrize("years", [-14, 14])
def test_S5_a_clock_set_before_the_work_is_sent_changes_nothing(world: World, years: int) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="a")
    tablet.pull()
    world.clock.tick(minutes=5)
    tablet.update("note", rec_id, {"title": "done before the move"})
    world.clock.tick(minutes=5)
    world.save(rec_id, shelf="b")
    right = tablet.clock
    tablet.clock = lambda: right() + timedelta(days=365 * years)
    tablet.sync()
    assert statuses(tablet) == ["applied"]


def test_S5_a_record_never_held_cannot_be_written(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x", shelf="b")
    tablet.pull()
    tablet.update("note", rec_id, {"title": "guessed"}, base_rev=1)
    tablet.create("note", rec_id, {"title": "guessed"})
    tablet.push()
    assert codes(tablet) == ["out_of_scope", "record_waits"]


def test_S6_a_device_may_write_what_it_made_before_it_ever_pulled(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    tablet.create("note", rec_id, {"title": "x", "shelf": "b"})
    tablet.push()
    tablet.update("note", rec_id, {"title": "y"})
    tablet.push()
    assert statuses(tablet) == ["applied", "applied"]


@pytest.mark.parametrize("shelf", ["a", "no such shelf", "甲", "x:y/z@1"])
def test_S7_a_bucket_key_is_any_text(world: World, shelf: str) -> None:
    tablet = world.tablet(shelf)
    world.save(uuid7(), title="x", shelf=shelf)
    tablet.pull()
    assert (titles(tablet), tablet.replica.mismatched) == ({"x"}, set())


def test_T1_a_deleted_record_leaves_every_replica_and_keeps_its_history(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x")
    tablet.pull()
    world.delete(rec_id)
    tablet.pull()
    assert tablet.replica.docs == {}
    assert len(world.history(rec_id)) == 2


def test_T2_a_deleted_id_does_not_come_back_by_itself(world: World) -> None:
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x")
    tablet.pull()
    world.delete(rec_id)
    tablet.create("note", rec_id, {"title": "again"})
    tablet.sync()
    assert statuses(tablet) == ["conflict"]
    assert tablet.replica.docs == {}
