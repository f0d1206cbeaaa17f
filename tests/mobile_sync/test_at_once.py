"""Many records at once: the same results as one by one, in a number of statements that does not grow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, bindparam, event, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from mobile_sync.adapters.bulk import Packed, cell, copy_rows
from mobile_sync.adapters.tables import record_version, sync_op
from mobile_sync.merge import Believed, first_write, merge, status_of, written
from mobile_sync.protocol import Status
from mobile_sync.tablet import Tablet
from tests.mobile_sync.sample import RULES, NotesAtOnce, Shop, note
from tests.mobile_sync.test_push import codes, statuses

values = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=3))


@pytest.fixture
def tablet(shop: Shop) -> Tablet:
    """A device of a shop that takes its notes many at a time."""
    shop.collections = {"note": NotesAtOnce()}
    device_id = uuid7()
    shop.scopes[device_id] = {"a"}
    return Tablet(shop.post(device_id), shop.clock)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fields=st.dictionaries(st.sampled_from([*RULES, "answers.reading", "answers.seal.left"]), values))
def test_the_short_way_of_a_first_write_is_the_long_one(fields: dict[str, Any]) -> None:
    taken = first_write(fields, RULES)
    if taken is not None:
        decisions = merge(fields, {}, Believed(), RULES)
        assert taken == written(decisions)
        assert status_of(decisions) is (Status.APPLIED if fields else Status.NOOP)


def test_a_bug_among_many_costs_only_its_own_op(tablet: Tablet) -> None:
    titles = ["breaks" if number in (7, 8, 31) else f"{number}" for number in range(40)]
    for title in titles:
        tablet.create("note", uuid7(), {"title": title})
    tablet.sync()
    assert statuses(tablet) == ["quarantined" if title == "breaks" else "applied" for title in titles]
    assert {held["doc"]["title"] for held in tablet.replica.docs.values()} == {*titles} - {"breaks"}


def test_a_record_twice_in_a_batch_is_written_in_order(tablet: Tablet) -> None:
    first, second = uuid7(), uuid7()
    for number in range(3):
        tablet.create("note", first, {"title": f"{number}", "log": f"line {number}"})
        tablet.create("note", second, {"title": f"{number}"})
    tablet.create("note", first, {"title": "forbidden", "log": "line of a refused op"})
    tablet.create("note", first, {"log": "last"})
    tablet.sync()
    assert statuses(tablet) == ["applied"] * 6 + ["rejected", "applied"]
    assert codes(tablet)[6] == "no_note"
    assert (tablet.see("note", first) or {})["title"] == "2"
    assert (tablet.see("note", first) or {})["log"] == "last"


def test_a_bug_found_when_a_record_comes_again_is_not_put_on_the_later_op(tablet: Tablet) -> None:
    first, second = uuid7(), uuid7()
    tablet.create("note", second, {"title": "breaks"})
    tablet.create("note", first, {"title": "a"})
    tablet.update("note", first, {"title": "b"})
    tablet.push()
    assert statuses(tablet) == ["quarantined", "applied", "applied"]


def test_versions_name_the_op_that_made_them(tablet: Tablet, shop: Shop) -> None:
    ids = [uuid7() for _ in range(5)]
    numbers = [
        tablet.create("note", rec_id, {"title": "x"}, gps={"lon": 113.0 + at, "lat": 23.0, "accuracy_m": 5})
        for at, rec_id in enumerate(ids)
    ]
    tablet.push()
    row = record_version.c
    with shop.unit() as ctx:
        found = ctx.session.execute(select(row.rec_id, row.op_no, row.gps).order_by(row.op_no)).all()
    assert [(one.rec_id, one.op_no, one.gps["lon"]) for one in found] == [
        (rec_id, number, 113.0 + at) for at, (rec_id, number) in enumerate(zip(ids, numbers, strict=True))
    ]


def test_the_number_of_statements_does_not_grow_with_the_batch(tablet: Tablet, shop: Shop, sync_engine: Engine) -> None:
    _sent(tablet, sync_engine, 1)  # the device is new, and its bucket
    assert _sent(tablet, sync_engine, 5) == _sent(tablet, sync_engine, 100)
    with shop.unit() as ctx:
        assert len(ctx.session.execute(select(sync_op.c.op_no)).all()) == 106


def _sent(tablet: Tablet, engine: Engine, count: int) -> int:
    """Statements of the engine's own for a push of so many new records (the sample writes its rows singly)."""
    statements: list[str] = []

    def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "sample_note" not in statement:
            statements.append(statement)

    for number in range(count):
        tablet.create("note", uuid7(), {"title": f"{number}"})
    event.listen(engine, "before_cursor_execute", heard)
    tablet.push()
    event.remove(engine, "before_cursor_execute", heard)
    return len(statements)


awkward = st.one_of(st.none(), st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items=st.lists(awkward, max_size=5))
def test_any_text_survives_in_an_array(sync_engine: Engine, items: list[str | None]) -> None:
    query = text("SELECT :items").bindparams(bindparam("items", type_=Packed("text")))
    with sync_engine.connect() as connection:
        assert connection.execute(query, {"items": items}).scalar_one() == items


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(title=st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8))
def test_any_text_survives_a_copy(sync_engine: Engine, title: str) -> None:
    rec_id = uuid7()
    with Session(sync_engine) as session:
        copy_rows(session, "sample_note", ("id", "rev", "deleted", "shelf", "fields"), [_line(rec_id, title)])
        assert session.execute(select(note.c.shelf).where(note.c.id == rec_id)).scalar_one() == title
        session.rollback()


def test_a_copy_is_refused_as_an_insert_would_be(sync_engine: Engine) -> None:
    line = _line(uuid7(), "a")
    with Session(sync_engine) as session, pytest.raises(IntegrityError):
        copy_rows(session, "sample_note", ("id", "rev", "deleted", "shelf", "fields"), [line, line])


def _line(rec_id: Any, shelf: str) -> str:
    return f"{rec_id}\t1\tf\t{cell(shelf)}\t{{}}"
