"""push(): judge a device's ops one by one, exactly once (SPEC.md, P). Standard library only."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from mobile_sync.attempt import Attempt, refused
from mobile_sync.canonical import is_same
from mobile_sync.collection import Collection
from mobile_sync.ledger import Filed, Key, Ledger, Opening
from mobile_sync.protocol import (
    MAX_OPS,
    Batch,
    Device,
    PushAnswer,
    Received,
    Refusal,
    Rejected,
    Result,
    Status,
    SyncProblem,
)
from mobile_sync.stops import Stopped

log = logging.getLogger(__name__)

Unit = Sequence[Received]  # one op, or a whole group
Ctx = TypeVar("Ctx")
CtxIn = TypeVar("CtxIn", contravariant=True)


class Host(Protocol[CtxIn]):
    """The application around the engine. `Ctx` is its unit of work."""

    @property
    def collections(self) -> Mapping[str, Collection[CtxIn]]:
        """Every synced kind of record by its entity."""

    def ledger(self, ctx: CtxIn) -> Ledger:
        """The ledger inside this unit's transaction."""

    def now(self, ctx: CtxIn) -> datetime:
        """The unit's time."""

    def savepoint(self, ctx: CtxIn) -> AbstractContextManager[None]:
        """Undo the block if it raises; the application's refusals come out as `Rejected`."""

    def fatal(self, error: Exception) -> bool:
        """True: the transaction is lost (deadlock, connection); the whole push must be repeated, no op is to blame."""

    def alarm(self, ctx: CtxIn, device: Device, result: Result, received: Received) -> None:
        """A field that must never be merged clashed (M4, `never`)."""


def push(host: Host[Ctx], ctx: Ctx, device: Device, batch: Batch) -> PushAnswer:
    """Run a batch inside the unit of work `ctx`; the caller commits, then answers."""
    ledger = host.ledger(ctx)
    opening = ledger.begin(device, batch)
    clock_error = batch.sent_at - host.now(ctx)
    run = Push(host, ctx, device, ledger, opening, clock_error)
    known = [_replayed(one, opening.filed) for one in batch.received if one.op_no <= opening.high]
    units = [] if _of_another_life(batch, opening) else list(_units(_contiguous(batch.received, opening.high)))
    fresh = run.take_all(units)
    high = opening.high + len(fresh)
    ledger.close(device, batch, high, run.clock_error_ms)
    return PushAnswer(opening.epoch, host.now(ctx), high + 1, tuple(known + fresh))


def _of_another_life(batch: Batch, opening: Opening) -> bool:
    """It was sent to the database that this one was restored from: its numbers may mean other ops by now (P19)."""
    return batch.epoch not in (None, opening.epoch)


def _replayed(one: Received, filed: Mapping[int, Filed]) -> Result:
    """The first result again (P3), or the refusal of another op under the same number (P4)."""
    first = filed.get(one.op_no)
    if first is None:
        raise SyncProblem("ledger_incomplete", 500, op_no=one.op_no)
    if not is_same(one, first.digest):
        return Result(one.op_no, Status.REJECTED, refusal=Refusal("op_no_reused"))
    return first.result


def _contiguous(received: Sequence[Received], high: int) -> list[Received]:
    """The new ops up to the first gap (P2)."""
    fresh = [one for one in received if one.op_no > high]
    return [one for offset, one in enumerate(fresh) if one.op_no == high + 1 + offset]


def _units(fresh: Sequence[Received]) -> Iterator[Sequence[Received]]:
    """Single ops and whole groups; a group that the batch cuts off ends it (P9)."""
    start = 0
    while start < len(fresh):
        group = fresh[start].group
        size = group[1] if group and group[0] == fresh[start].op_no and group[1] <= MAX_OPS else 1
        if start + size > len(fresh):
            return
        yield fresh[start : start + size]
        start += size


@dataclass
class Push(Generic[Ctx]):
    """One push under way."""

    host: Host[Ctx]
    ctx: Ctx
    device: Device
    ledger: Ledger
    opening: Opening
    clock_error: timedelta
    own: set[Key] = field(default_factory=set)

    @property
    def clock_error_ms(self) -> int:
        """Device clock minus server clock."""
        return round(self.clock_error / timedelta(milliseconds=1))

    def take_all(self, units: Sequence[Unit]) -> list[Result]:
        """All under one savepoint while all goes well; else around the one at fault: the results are the same."""
        results: list[Result] = []
        waiting = [units]
        while waiting:
            some = waiting.pop()
            if len(some) > 1:
                taken, parts = self._together(some)
                results += taken
                waiting += reversed(parts)
            elif some:
                results += self._filed(some[0], self.alone(some[0]))
        return results

    def _together(self, units: Sequence[Unit]) -> tuple[list[Result], list[Sequence[Unit]]]:
        """Results, or the parts to try instead: before, at and behind the fault; halves where it cannot be told."""
        ops = [one for unit in units for one in unit]
        self.ledger.prepare(ops)
        attempt = self._attempt()
        try:
            with self.host.savepoint(self.ctx):
                results = attempt.run(units)
        except Exception as error:
            if self.host.fatal(error):
                raise
            at, behind = (len(units) // 2,) * 2 if attempt.at is None else (attempt.at, attempt.at + 1)
            return [], [units[:at], units[at:behind], units[behind:]]
        self._keep(attempt)
        return self._filed(ops, results), []

    def _attempt(self) -> Attempt[Ctx]:
        return Attempt.over(self.host, self.ctx, self.device, self.ledger, self.opening, self.clock_error, self.own)

    def _keep(self, attempt: Attempt[Ctx]) -> None:
        """The savepoint holds: what was learnt in it counts from now on."""
        self.own = attempt.judge.own
        attempt.judge.keep_contested()
        for result, received in attempt.alarms():
            self.host.alarm(self.ctx, self.device, result, received)

    def _filed(self, ops: Sequence[Received], results: list[Result]) -> list[Result]:
        clock_error_ms = self.clock_error_ms
        for one, result in zip(ops, results, strict=True):
            self.ledger.file(self.device, one, result, clock_error_ms)
            self.opening.filed[one.op_no] = Filed(one.digest, result)
            if result.status.waits and one.op:
                self.opening.waiting.setdefault((one.op.entity, one.op.rec_id), one.op_no)
        return results

    def alone(self, unit: Unit) -> list[Result]:
        """One op or one group under a savepoint of its own; nothing is filed."""
        self.ledger.prepare(unit)
        attempt = self._attempt()
        try:
            with self.host.savepoint(self.ctx):
                results = attempt.run([unit], singly=True)
        except Exception as error:
            return _fallen(unit, self._verdict(error, attempt.current or unit[0]))
        self._keep(attempt)
        return results

    def _verdict(self, error: Exception, culprit: Received) -> Result:
        if isinstance(error, Rejected | Stopped):
            return refused(culprit.op_no, error)
        if self.host.fatal(error):
            raise error
        log.error("an op broke the application", exc_info=error, extra={"op_no": culprit.op_no})
        return Result(culprit.op_no, Status.QUARANTINED, refusal=Refusal("failed"))


def _fallen(unit: Sequence[Received], culprit: Result) -> list[Result]:
    """A group falls together: rejected with the rejected, held with the rest (P9)."""
    rejected = culprit.status is Status.REJECTED
    refusal = Refusal("group_rejected" if rejected else "group_waits", {"op_no": culprit.op_no})
    others = Status.REJECTED if rejected else Status.HELD
    return [culprit if one.op_no == culprit.op_no else Result(one.op_no, others, refusal=refusal) for one in unit]
