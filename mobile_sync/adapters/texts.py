"""JSON in and out at the speed of orjson; what it does not take goes the standard library's way, with the same result.

Measured on an op of 735 bytes: read 15 µs → 5, written in canonical form 26 → 4, its patch 27 → 6.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import orjson

from mobile_sync import canonical as plain
from mobile_sync import wire
from mobile_sync.answers import page_head, write_page
from mobile_sync.protocol import Page, PageChange

_LONGEST_INTEGER = 20  # digits of a number below 2^64


class _Beyond(float):
    """A number that no float holds. orjson would write an infinity as null, and refuses this."""


def read(raw: bytes) -> Any:
    """The JSON of a request.

    Raises:
        ValueError: it is none. RecursionError: it is nested too deeply to be read.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:  # half characters and numbers out of range too: they cost only their own op
        return json.loads(raw, parse_constant=_refuse, parse_int=_integer, parse_float=_number)


def canonical(body: Mapping[str, Any]) -> str:
    """The op as one text, whatever order its members came in (a `canonical.Writer`)."""
    try:
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # nested too deeply, half characters, numbers beyond 64 bits or beyond floats
        return plain.canonical(body)


def write(value: Any) -> str:
    """A JSON value as text; times and UUIDs in it as devices write them.

    Raises:
        TypeError: something in it is no JSON value.
    """
    try:
        return orjson.dumps(value, _plain, orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:
        return _write_plainly(value)


def page(told: Page) -> bytes:
    """`answers.write_page` as JSON; documents that are texts already are taken over as they are."""
    try:
        return orjson.dumps({**page_head(told), "changes": [_change(one) for one in told.changes]})
    except TypeError:  # a document holds what orjson does not take
        return _write_plainly(write_page(told)).encode()


def _change(one: PageChange) -> dict[str, Any]:
    bucket, seq, entity, rec_id, rev, gone, doc = one
    change = {"bucket": bucket, "seq": seq, "entity": entity, "id": rec_id, "rev": rev, "gone": gone}
    if not gone:
        change["doc"] = orjson.Fragment(doc) if isinstance(doc, str) else doc
    return change


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return wire.write_time(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"neither a JSON value nor a time or a UUID: {type(value).__name__}")


_write_plainly = json.JSONEncoder(default=_plain, separators=(",", ":")).encode


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else _number(digits)


def _number(digits: str) -> float:
    number = float(digits)
    return number if abs(number) < float("inf") else _Beyond(number)
