"""SPEC.md M: what the device believed, what becomes of its values. M4, M5, M7 by field: test_conformance.py."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from mobile_sync.tablet import Tablet
from tests.mobile_sync.test_push import codes, statuses
from tests.mobile_sync.worlds import World


def shared(world: World, **fields: Any) -> tuple[UUID, Tablet]:
    """A note that a tablet holds."""
    rec_id = uuid7()
    world.save(rec_id, **fields)
    tablet = world.tablet("a")
    tablet.pull()
    return rec_id, tablet


def held(world: World, rec_id: UUID) -> dict[str, Any]:
    """The note as the server holds it, seen by a fresh device."""
    fresh = world.tablet("a", "b")
    fresh.pull()
    return fresh.see("note", rec_id) or {}


def test_M1_a_field_without_a_policy_is_refused(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    tablet.update("note", rec_id, {"title": "b", "owner": "me"})
    tablet.push()
    assert codes(tablet) == ["unknown_field"]
    assert held(world, rec_id)["title"] == "a"


def test_M1_a_prefix_gives_many_fields_a_policy(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    tablet.update("note", rec_id, {"answers.reading": 42, "answers.seal.left": "ok"})
    tablet.push()
    assert statuses(tablet) == ["applied"]


def test_M2_fields_changed_on_different_sides_both_stay(world: World) -> None:
    rec_id, tablet = shared(world, title="a", colour="red")
    world.save(rec_id, colour="blue")
    tablet.update("note", rec_id, {"title": "mine"})
    tablet.push()
    assert statuses(tablet) == ["applied"]
    assert (held(world, rec_id)["title"], held(world, rec_id)["colour"]) == ("mine", "blue")


def test_M3_a_devices_own_earlier_op_is_no_clash(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    for title in ("b", "c", "d"):
        tablet.update("note", rec_id, {"title": title})
    tablet.push(limit=1)
    assert statuses(tablet) == ["applied"] * 3


def test_M3_a_desks_change_after_a_devices_own_is_a_clash(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    tablet.update("note", rec_id, {"title": "b"})
    tablet.push()
    world.save(rec_id, title="desk")
    tablet.update("note", rec_id, {"title": "c"}, base_rev=1)
    tablet.push()
    assert statuses(tablet) == ["applied", "conflict"]


def test_M3_what_was_merged_is_not_overwritten_by_the_next_op(world: World) -> None:
    rec_id, tablet = shared(world, log="x")
    world.save(rec_id, log="x\ndesk")
    tablet.update("note", rec_id, {"log": "x\nfirst"})
    tablet.update("note", rec_id, {"log": "x\nfirst\nsecond"})
    tablet.push()
    assert held(world, rec_id)["log"] == "x\ndesk\nfirst\nsecond"


def test_M3_an_unknown_base_decides_nothing_by_itself(world: World) -> None:
    rec_id, tablet = shared(world, title="a", colour="red")
    tablet.update("note", rec_id, {"title": "b", "colour": "blue"}, base_rev=50)
    tablet.push()
    assert statuses(tablet) == ["conflict"]
    assert (held(world, rec_id)["title"], held(world, rec_id)["colour"]) == ("a", "blue")


def test_M5_never_is_told_to_the_application_at_once(world: World) -> None:
    rec_id, tablet = shared(world, seal="closed")
    tablet.update("note", rec_id, {"seal": "open", "colour": "red"})
    tablet.push()
    assert statuses(tablet) == ["conflict"]
    assert [sorted(alarm.fields) for alarm in world.alarms()] == [["seal"]]
    assert held(world, rec_id)["seal"] == "closed"


def test_M5_a_state_reached_meanwhile_is_kept(world: World) -> None:
    rec_id, tablet = shared(world, state="open")
    world.save(rec_id, state="packed")
    world.save(rec_id, state="sealed")
    tablet.update("note", rec_id, {"state": "packed"})
    tablet.push()
    assert statuses(tablet) == ["merged"]
    assert held(world, rec_id)["state"] == "sealed"


def test_M6_later_values_join_an_open_conflict(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    world.save(rec_id, title="desk")
    tablet.update("note", rec_id, {"title": "one"})
    tablet.push()
    tablet.pull()
    tablet.update("note", rec_id, {"title": "two"})
    tablet.push()
    assert statuses(tablet) == ["conflict", "conflict"]
    assert world.conflicts() == [{"field": "title", "theirs": "desk", "mine": "two", "op_no": 2}]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"title": "mine"}, "conflict"),
        ({"price": 9}, "merged"),
        ({"title": "desk"}, "noop"),
        ({"colour": "red"}, "applied"),
        ({"colour": "red", "title": "desk"}, "applied"),
        ({"colour": "red", "price": 9}, "merged"),
        ({"colour": "red", "title": "mine"}, "conflict"),
    ],
    ids=str,
)
def test_M8_the_status_says_the_gravest_outcome(world: World, fields: dict[str, Any], status: str) -> None:
    rec_id, tablet = shared(world, title="a", price=1)
    world.save(rec_id, title="desk", price=2)
    tablet.update("note", rec_id, fields)
    tablet.push()
    assert statuses(tablet) == [status]


def test_M9_a_create_of_what_exists_is_an_update(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    tablet.create("note", rec_id, {"title": "a", "colour": "red"})
    tablet.push()
    other = world.tablet("a")
    other.pull()
    other.create("note", rec_id, {"title": "b"})
    other.push()
    assert statuses(tablet) + statuses(other) == ["applied", "conflict"]


def test_M9_an_update_of_what_never_was_is_refused(world: World) -> None:
    tablet = world.tablet("a")
    tablet.update("note", uuid7(), {"title": "x"})
    tablet.push()
    assert codes(tablet) == ["unknown_record"]


def test_M10_a_delete_of_an_unchanged_record_is_applied_once(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    tablet.update("note", rec_id, {"title": "b"})
    tablet.delete("note", rec_id)
    tablet.delete("note", rec_id)
    tablet.sync()
    assert statuses(tablet) == ["applied", "applied", "noop"]
    assert tablet.see("note", rec_id) is None


def test_M10_a_delete_of_a_record_others_changed_waits(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    world.save(rec_id, title="desk")
    tablet.delete("note", rec_id)
    tablet.push()
    assert statuses(tablet) == ["conflict"]
    assert [conflict["field"] for conflict in world.conflicts()] == ["$deleted"]
    assert held(world, rec_id)["title"] == "desk"


def test_M10_values_for_a_deleted_record_are_kept_for_a_person(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    world.delete(rec_id)
    tablet.update("note", rec_id, {"title": "mine", "size": 5})
    tablet.push()
    assert (statuses(tablet), codes(tablet)) == (["conflict"], ["deleted"])
    assert {(one["field"], one["mine"]) for one in world.conflicts()} == {("title", "mine"), ("size", 5)}


def test_M11_every_value_sent_is_in_the_history_or_in_a_conflict(world: World) -> None:
    rec_id, tablet = shared(world, title="a", size=5, log="x")
    world.save(rec_id, title="desk", size=9, log="x\ndesk")
    tablet.update("note", rec_id, {"title": "mine", "log": "x\nmine", "colour": "red"})
    tablet.push()
    written = [new for patch in world.history(rec_id) for _, new in patch.values()]
    waiting = [conflict["mine"] for conflict in world.conflicts()]
    assert "mine" in waiting
    assert {"x\ndesk\nmine", "red"} <= set(written)


def test_M12_the_application_has_the_last_word(world: World) -> None:
    rec_id, tablet = shared(world, title="a")
    tablet.update("note", rec_id, {"title": "forbidden"})
    tablet.push()
    result = tablet.result(1)
    assert (result["status"], result["problem"]["code"]) == ("rejected", "no_note")
    assert result["problem"]["errors"] == [{"field": "title", "reason": "forbidden"}]
