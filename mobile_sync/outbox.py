"""A client's queue of ops, pure: what to send next and what an answer changes (SPEC.md P1, P9, P14–P16).

Ops and answers are the JSON objects of the wire. The TypeScript half does the same; `conformance/outbox.json` holds
both to it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mobile_sync.protocol import MAX_DEPTH, MAX_OPS
from mobile_sync.wire import depth_of

REUSED = "op_no_reused"
MOST_OP_BYTES = 1024 * 1024
_ENVELOPE_DEPTH = 2  # an op lies in a list in an object


class Stage(StrEnum):
    """Where an op is: still to send, at the centre without a final result, or done."""

    PENDING = "pending"
    WAITING = "waiting"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Entry:
    """An op and how far it has come."""

    op: Mapping[str, Any]
    stage: Stage = Stage.PENDING
    result: Mapping[str, Any] | None = None

    @property
    def op_no(self) -> int:
        """The op's number."""
        return int(self.op["op_no"])


@dataclass(frozen=True, slots=True)
class Outbox:
    """All ops kept, in order of op_no, and the number the next one gets."""

    entries: tuple[Entry, ...] = ()
    next_op_no: int = 1

    def add(self, *ops: Mapping[str, Any]) -> Outbox:
        """Number new ops; two or more make a group that lands together (P1, P9)."""
        first = self.next_op_no
        group = {"group_no": first, "group_size": len(ops)} if len(ops) > 1 else {}
        new = tuple(Entry({**op, "op_no": first + offset, **group}) for offset, op in enumerate(ops))
        return Outbox(self.entries + new, first + len(ops))

    def to_send(self, limit: int = MAX_OPS) -> list[Mapping[str, Any]]:
        """The pending ops of the next batch; a group is never cut, not even one that is longer than `limit`."""
        ops = [entry.op for entry in self.entries if entry.stage is Stage.PENDING]
        cut = end = min(limit, len(ops))
        while 0 < cut < len(ops) and _one_group(ops[cut - 1], ops[cut]):
            cut -= 1
        while cut == 0 and end < len(ops) and _one_group(ops[end - 1], ops[end]):
            end += 1
        return ops[: cut or end]

    def settle(self, answer: Mapping[str, Any]) -> Outbox:
        """The outbox after a push was answered."""
        results = {result["op_no"]: result for result in answer["results"]}
        expected = int(answer["expected"])
        entries = [_forgotten(_answered(entry, results.get(entry.op_no)), expected) for entry in self.entries]
        reused = {number for number, result in results.items() if _code_of(result) == REUSED}
        return _renumbered(entries, expected, _first_to_renumber(entries, expected, reused))


def _one_group(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    return left.get("group_no") is not None and left.get("group_no") == right.get("group_no")


def _code_of(result: Mapping[str, Any]) -> str | None:
    code = (result.get("problem") or {}).get("code")
    return None if code is None else str(code)


def _answered(entry: Entry, result: Mapping[str, Any] | None) -> Entry:
    if result is None or _code_of(result) == REUSED:
        return entry
    waiting = result["status"] in ("held", "quarantined")
    return replace(entry, stage=Stage.WAITING if waiting else Stage.FINAL, result=result)


def _forgotten(entry: Entry, expected: int) -> Entry:
    """P14: the server does not know it any more."""
    return entry if entry.op_no < expected else Entry(entry.op)


def _first_to_renumber(entries: Sequence[Entry], expected: int, reused: set[int]) -> int | None:
    """P15: the lowest number that must change, None if all may stay."""
    if reused:
        return min(reused)
    ahead = [entry.op_no for entry in entries if entry.stage is Stage.PENDING and entry.op_no >= expected]
    return next((number for offset, number in enumerate(ahead) if number != expected + offset), None)


def _renumbered(entries: Sequence[Entry], expected: int, first: int | None) -> Outbox:
    pending = [entry.op_no for entry in entries if entry.stage is Stage.PENDING]
    moving = [number for number in pending if first is not None and number >= first]
    staying = set(pending) - set(moving)
    start = max(expected, *(number + 1 for number in staying), 0)
    new_number = {old: start + offset for offset, old in enumerate(moving)}
    lost = _lost(entries, expected)
    kept = sorted(
        (replace(entry, op=_follow(entry.op, new_number, lost)) for entry in entries), key=lambda entry: entry.op_no
    )
    highest = max((entry.op_no for entry in kept if entry.stage is Stage.PENDING), default=0)
    return Outbox(tuple(kept), max(expected, highest + 1))


def _lost(entries: Sequence[Entry], expected: int) -> set[int]:
    """Ops that others depend on and neither side has: forgotten by the server, and kept here for long enough."""
    known = {entry.op_no for entry in entries}
    named = {number for entry in entries for number in entry.op.get("depends_on") or ()}
    return {number for number in named - known if number >= expected}


def _follow(op: Mapping[str, Any], new_number: Mapping[int, int], lost: Collection[int]) -> Mapping[str, Any]:
    if op["op_no"] not in new_number:
        return op
    moved = {**op, "op_no": new_number[op["op_no"]]}
    if op.get("group_no") is not None:
        moved["group_no"] = new_number.get(op["group_no"], op["group_no"])
    if op.get("depends_on"):
        moved["depends_on"] = [new_number.get(number, number) for number in op["depends_on"] if number not in lost]
    return moved


def must_be_sendable(ops: tuple[Mapping[str, Any], ...]) -> None:
    """What would make a server refuse a whole batch must never come into the queue: it would stop everything behind."""
    if not 0 < len(ops) <= MAX_OPS:
        raise ValueError(f"1 to {MAX_OPS} ops land together, not {len(ops)}")
    if any(depth_of(op, MAX_DEPTH) > MAX_DEPTH - _ENVELOPE_DEPTH for op in ops):
        raise ValueError("an op is nested too deeply")
    if sum(len(json.dumps(op)) for op in ops) > MOST_OP_BYTES:
        raise ValueError(f"ops that land together are larger than {MOST_OP_BYTES} bytes")
