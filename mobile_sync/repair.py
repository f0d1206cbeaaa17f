"""Ops that wait are judged again, as they came or repaired, or ended, by the word of a person at the centre.

SPEC.md, R. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from mobile_sync.engine import Host, Push
from mobile_sync.judge import in_shape
from mobile_sync.protocol import (
    Batch,
    Device,
    FieldResult,
    Op,
    Outcome,
    Received,
    Refusal,
    Result,
    Said,
    Status,
    Verb,
)
from mobile_sync.stops import Stopped
from mobile_sync.wire import read_op

Ctx = TypeVar("Ctx")


class NotWaiting(Exception):
    """There is no such op, or it has its final result."""


class Unreadable(Exception):
    """With these fields it is no op."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Waiting:
    """An op of the ledger that waits. `received` is what is judged: as it came, or as it was repaired last."""

    received: Received
    result: Result
    person_id: UUID | None
    clock_error: timedelta
    body: Mapping[str, Any]
    schema_version: int

    def saying(self, fields: Mapping[str, Any]) -> Waiting:
        """The op with other fields; its number, digest and body stay those that came."""
        came, said = self.received, {**self.body, "fields": dict(fields)}
        read = partial(read_op, said, self.schema_version)
        return replace(self, received=Received(came.op_no, came.body, came.digest, read, came.group))


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says about an op. `fields`: what it is to say from now on (repaired only)."""

    op_no: int
    verb: Verb
    person_id: UUID | None
    at: datetime
    reason: str | None = None
    fields: Mapping[str, Any] | None = None

    @property
    def said(self) -> Said:
        """As the device is told."""
        return Said(self.verb, self.at, self.reason)


class Archive(Protocol):
    """The ledger of one device, opened again."""

    def waiting(self) -> dict[int, Waiting]:
        """The ops that wait, by op_no in order; the device's ledger is locked until the end (P18)."""

    def tell(self, word: Word, before: Result, after: Result, *, keep: bool) -> None:
        """Write down what was said and what came of it; `keep`: `after` is the op's result from now on.

        Raises:
            NotWaiting: it has a final result.
        """


@dataclass
class Centre(Generic[Ctx]):
    """A person at work on what one device sent. `acting`: inside, writes are by whoever made the op (None: nobody)."""

    host: Host[Ctx]
    ctx: Ctx
    archive: Archive
    device_id: UUID
    acting: Callable[[UUID | None], AbstractContextManager[None]]

    def judge_again(self, word: Word) -> list[Result]:
        """Replay an op, repaired where the word has fields, with its group (R1–R3); then what waited for it (R4).

        Returns the new results of all of them; of an op that would be rejected, and so waits on, what it would get.

        Raises:
            NotWaiting, Unreadable
        """
        op_no, waiting = word.op_no, self._waiting(word.op_no)
        if word.fields is not None:
            waiting[op_no] = _repaired(waiting[op_no], word.fields)
        unit = _unit_of(waiting, op_no)
        results = self._judged([waiting[one] for one in unit], vouched=True)
        kept = not any(result.status is Status.REJECTED for result in results)
        if not kept:
            [refused] = [result for result in results if result.op_no == op_no]
            self.archive.tell(word, waiting[op_no].result, refused, keep=False)
            return [refused]
        told = [self._kept(waiting[one], result, word) for one, result in zip(unit, results, strict=True)]
        return [*told, *self._release(word.at)]

    def _kept(self, one: Waiting, result: Result, word: Word) -> Result:
        """The word is about one op; the others of its group are replayed with it."""
        about = (
            word if word.op_no == result.op_no else replace(word, op_no=result.op_no, verb=Verb.REPLAYED, fields=None)
        )
        said = result._replace(centre=None if result.status.waits else about.said)
        self.archive.tell(about, one.result, said, keep=True)
        return said

    def refuse(self, word: Word) -> list[Result]:
        """End an op, and its group: it is not to be applied (R3); then what waited for it (R4).

        Raises:
            NotWaiting
        """
        waiting, results = self._waiting(word.op_no), []
        for one in _unit_of(waiting, word.op_no):
            own = one == word.op_no
            refusal = Refusal("not_applied") if own else Refusal("group_rejected", {"op_no": word.op_no})
            results.append(Result(one, Status.REJECTED, refusal=refusal, centre=word.said))
            self.archive.tell(replace(word, op_no=one), waiting[one].result, results[-1], keep=True)
        return [*results, *self._release(word.at)]

    def _waiting(self, op_no: int) -> dict[int, Waiting]:
        waiting = self.archive.waiting()
        if op_no not in waiting:
            raise NotWaiting
        return waiting

    def _release(self, at: datetime) -> Iterator[Result]:
        """Held ops are judged again as if they came now, in order; those that still wait are left as they are."""
        waiting = self.archive.waiting()
        done: set[int] = set()
        for op_no in waiting:
            unit = _unit_of(waiting, op_no)
            if op_no in done or any(waiting[one].result.status is not Status.HELD for one in unit):
                continue
            done.update(unit)
            for one, result in zip(unit, self._judged([waiting[one] for one in unit], vouched=False), strict=True):
                if result != waiting[one].result:
                    yield self._kept(waiting[one], result, Word(one, Verb.RELEASED, None, at))

    def _judged(self, unit: Sequence[Waiting], *, vouched: bool) -> list[Result]:
        """What would become of them if they came now, behind all that waits since before them."""
        first = unit[0]
        received = tuple(one.received for one in unit)
        numbers = {one.op_no for one in received}
        device = Device(self.device_id, first.person_id, vouched=vouched)
        ledger = self.host.ledger(self.ctx)
        sent_at = self.host.now(self.ctx) + first.clock_error
        opening = ledger.begin(device, Batch(first.schema_version, sent_at, 0, received, again=True))
        opening.waiting = {key: op_no for key, op_no in opening.waiting.items() if op_no < min(numbers)}
        opening.filed = {op_no: filed for op_no, filed in opening.filed.items() if op_no not in numbers}
        run = Push(self.host, self.ctx, device, ledger, opening, first.clock_error)
        with self.acting(first.person_id):
            results = run.alone(received)
        return [self._told(one, result) for one, result in zip(unit, results, strict=True)]

    def _told(self, one: Waiting, result: Result) -> Result:
        """The device could not guess what the centre has changed: those fields as the server holds them now (R5)."""
        op = one.received.op
        if op is None or result.status.waits or result.status is Status.REJECTED:
            return result
        collection = self.host.collections[op.entity]
        mine = in_shape(collection, op.schema_version, op.fields)
        sent = self._sent(one, op)
        names = [name for name in {**sent, **mine} if (name in sent, sent.get(name)) != (name in mine, mine.get(name))]
        if not names:
            return result
        stored = collection.stored(self.ctx, op.rec_id)
        held = stored.fields if stored else {}
        outcome = {name: Outcome.MERGED if name in mine else Outcome.KEPT for name in names}
        fields = {name: FieldResult(outcome[name], held.get(name)) for name in names}
        plain = result.status in (Status.APPLIED, Status.NOOP)
        return result._replace(status=Status.MERGED if plain else result.status, fields={**fields, **result.fields})

    def _sent(self, one: Waiting, op: Op) -> Mapping[str, Any]:
        """What the device believes it said, in today's shape where that can be had."""
        fields = one.body.get("fields")
        sent = fields if isinstance(fields, dict) else {}
        try:
            return in_shape(self.host.collections[op.entity], op.schema_version, sent)
        except Stopped:
            return sent


def _repaired(one: Waiting, fields: Mapping[str, Any]) -> Waiting:
    repaired = one.saying(fields)
    if repaired.received.op is None:
        raise Unreadable(repaired.received.refusal or Refusal("malformed"))
    return repaired


def _unit_of(waiting: Mapping[int, Waiting], op_no: int) -> list[int]:
    """The op, or the whole group it came in (P9)."""
    group = waiting[op_no].received.group
    if group is None:
        return [op_no]
    first, size = group
    members = [one for one in waiting if first <= one < first + size and waiting[one].received.group == group]
    return members if len(members) == size else [op_no]
