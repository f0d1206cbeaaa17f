"""Any replay and any order: the same results, and merges that commute (I12, I14)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from mobile_sync.testing import Ticker
from tests.mobile_sync.stage import (
    A_DAY,
)
from tests.mobile_sync.worlds import MemoryWorld

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
