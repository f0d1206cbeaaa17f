"""The fast way to read and write JSON says what the standard library says, and takes what only that one takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_sync import wire
from mobile_sync.adapters import texts
from mobile_sync.answers import write_page
from mobile_sync.canonical import is_same
from mobile_sync.merge import same
from mobile_sync.protocol import BucketState, Page, PageChange, Refusal

letters = st.text(st.characters(codec="utf-8"), max_size=6)
numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(st.none(), st.booleans(), numbers, letters)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(letters, documents, max_size=5)


@given(objects)
def test_what_is_read_is_what_the_standard_library_reads(body: dict[str, Any]) -> None:
    for ascii_only in (True, False):
        assert same(texts.read(json.dumps(body, ensure_ascii=ascii_only).encode()), body)


@given(objects)
def test_one_content_has_one_text_whatever_the_order_of_its_members(body: dict[str, Any]) -> None:
    turned = dict(reversed(body.items()))
    assert texts.canonical(body) == texts.canonical(turned)
    assert same(json.loads(texts.canonical(body)), body)


@given(objects)
def test_what_is_written_reads_back(body: dict[str, Any]) -> None:
    assert same(json.loads(texts.write(body)), body)


ODD = {
    "half a character": '{"a":"\\ud800"}',
    "a number beyond floats": '{"a":1e999}',
    "an integer beyond floats": '{"a":1' + "0" * 400 + "}",
    "an integer beyond 64 bits": '{"a":123456789012345678901}',
    "deeper than orjson writes": '{"a":' + "[" * 300 + "]" * 300 + "}",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_orjson_does_not_take_is_read_and_written_all_the_same(odd: str) -> None:
    body = texts.read(odd.encode())
    assert same(json.loads(texts.canonical(body)), json.loads(odd, parse_int=float))  # as in JavaScript


def test_a_number_beyond_floats_does_not_become_null_in_the_ledger() -> None:
    op = {"op_no": 1, "entity": "note", "fields": {"size": texts.read(b"-1e999")}}
    received = wire.receive(op, 1, texts.canonical)
    assert received.refusal == Refusal("malformed", {}, (wire.FieldError("fields", "not_storable"),))
    assert json.loads(received.body)["fields"] == {"size": "-inf"}


@pytest.mark.parametrize("text", ["NaN", '{"a":Infinity}', "{", "[1,]", '"\x01"'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        texts.read(text.encode())


def test_an_op_is_known_again_whichever_writer_filed_it() -> None:
    op = {"op_no": 1, "fields": {"title": "阀门", "size": 1e-5}}
    received = wire.receive(op, 1, texts.canonical)
    assert is_same(received, wire.receive(op, 1).digest)
    assert not is_same(received, wire.receive({**op, "op_no": 2}, 1).digest)


def test_times_and_ids_are_written_as_devices_write_them() -> None:
    rec_id = UUID("01938f5e-7b0a-7c1d-9a3e-1f2e3d4c5b6a")
    patch = {"at": (None, datetime(2026, 7, 16, 8, tzinfo=UTC)), "id": (None, rec_id), "far": (10**30, None)}
    written = json.loads(texts.write(patch))
    assert written["at"][1] == "2026-07-16T08:00:00.000Z"
    assert written["id"][1] == str(rec_id)
    assert written["far"][0] == 10**30


def test_what_is_no_json_value_is_not_written() -> None:
    with pytest.raises(TypeError, match="set"):
        texts.write({"a": {1}})


@given(st.lists(st.one_of(st.none(), objects, objects.map(json.dumps), st.just({"far": 10**30})), max_size=4))
def test_a_page_says_what_its_members_say(docs: list[dict[str, Any] | str | None]) -> None:
    bucket = BucketState("crew:1", 0, 9, more=False, reset=False, row_count=len(docs), checksum="0" * 16)
    changes = [
        PageChange("crew:1", at, "note", UUID(int=at), at, gone=doc is None, doc=doc) for at, doc in enumerate(docs)
    ]
    page = Page("life", datetime(2026, 7, 16, 8, tzinfo=UTC), 1, (bucket,), ("user:2",), tuple(changes))
    assert same(json.loads(texts.page(page)), write_page(page))
