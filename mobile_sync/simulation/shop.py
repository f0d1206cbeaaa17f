"""The application the simulation runs: things on shelves, with a field for every policy, in two schema versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobile_sync.collection import Change, FieldRule, Policy
from mobile_sync.protocol import FieldError, Rejected

ENTITY = "thing"
SHELVES = ("a", "b", "c")
EVERYWHERE = "notice:all"
BUCKETS = (*(f"shelf:{shelf}" for shelf in SHELVES), EVERYWHERE)
NEWEST = 2
STEPS = {"open": ["packed"], "packed": ["sealed", "open"], "sealed": ["sent"]}
FORBIDDEN, BREAKS, UNSAYABLE = "forbidden", "breaks", "unsayable"

_SINCE_EVER = {
    "shelf": FieldRule(Policy.HUMAN),
    "size": FieldRule(Policy.MAX),
    "low": FieldRule(Policy.MIN),
    "log": FieldRule(Policy.APPEND),
    "tags": FieldRule(Policy.SET_UNION),
    "colour": FieldRule(Policy.DEVICE),
    "price": FieldRule(Policy.SERVER),
    "seal": FieldRule(Policy.NEVER),
    "state": FieldRule(Policy.STATE_MACHINE, STEPS),
    "answers.*": FieldRule(Policy.HUMAN),
}
RULES: Mapping[int, Mapping[str, FieldRule]] = {
    1: {**_SINCE_EVER, "title": FieldRule(Policy.HUMAN)},
    2: {**_SINCE_EVER, "name": FieldRule(Policy.HUMAN)},
}
TITLE = {1: "title", 2: "name"}


def to_second(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Version 2 calls a title a name, and has no word for what cannot be said."""
    if fields.get("title") == UNSAYABLE:
        raise ValueError("version 2 cannot say that")
    return {TITLE[2] if name == TITLE[1] else name: value for name, value in fields.items()}


UPCASTERS = {1: to_second}


def placed(fields: Mapping[str, Any]) -> set[str]:
    """The shelf's bucket, and everybody's if the desk says so."""
    own = {f"shelf:{fields.get('shelf') or 'a'}"}
    return own | {EVERYWHERE} if fields.get("notice") else own


def guard(change: Change) -> None:
    """The application's own no, and its own bugs."""
    word = change.fields.get(TITLE[1], change.fields.get(TITLE[2]))
    if word in (FORBIDDEN, UNSAYABLE):
        raise Rejected("not_here", FieldError("title", FORBIDDEN))
    if word == BREAKS:
        raise RuntimeError("the application has a bug")
