"""The application the simulation runs: things on shelves, with a field for every policy, in two schema versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from mobile_sync.collection import Change, FieldRule, Policy
from mobile_sync.protocol import FieldError, Rejected

Known = TypeVar("Known")
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


TOPICS = (*(name for name in _SINCE_EVER if name != "answers.*"), "title", "answers")


def topic_of(name: str) -> str:
    """What a field is about, whatever the version calls it."""
    return TITLE[1] if name in TITLE.values() else name.partition(".")[0]


def wanted(rng: Random, known: Sequence[Known]) -> Known:
    """One of them, half of the time one of the first two: where nobody meets nothing clashes."""
    return rng.choice(known[: 2 if rng.random() < 0.5 else len(known)])


def guard(change: Change) -> None:
    """The application's own no, and its own bugs."""
    refuse(change)
    break_down(change)


def refuse(change: Change) -> None:
    """What the change itself shows to be wrong."""
    if _title_of(change) in (FORBIDDEN, UNSAYABLE):
        raise Rejected("not_here", FieldError("title", FORBIDDEN))


def break_down(change: Change) -> None:
    """What only shows when it is written."""
    if _title_of(change) == BREAKS:
        raise RuntimeError("the application has a bug")


def _title_of(change: Change) -> Any:
    return change.fields.get(TITLE[1], change.fields.get(TITLE[2]))
