"""One try at some ops under one savepoint: read ahead, judge each, write what may be written together (SPEC.md P8)."""

from __future__ import annotations

from collections.abc import Collection as Many
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from mobile_sync.collection import Change, ManyAtOnce
from mobile_sync.judge import Judge, Verdict
from mobile_sync.ledger import Key, Ledger, Opening
from mobile_sync.protocol import Device, Op, Received, Rejected, Result, Status
from mobile_sync.reading import Reader, key_of
from mobile_sync.stops import Stopped

if TYPE_CHECKING:
    from mobile_sync.engine import Host

Ctx = TypeVar("Ctx")
_Waiting = tuple[Op, Verdict, Change]


def refused(op_no: int, error: Rejected | Stopped) -> Result:
    """The result of an op that was refused, or waits."""
    status = error.status if isinstance(error, Stopped) else Status.REJECTED
    return Result(op_no, status, refusal=error.refusal)


@dataclass
class Attempt(Generic[Ctx]):
    """Ops that stand or fall together. `current` is the op under way, `at` its unit; neither while many are written."""

    host: Host[Ctx]
    ctx: Ctx
    device: Device
    ledger: Ledger
    judge: Judge[Ctx]
    clock_error_ms: int
    at: int | None = None
    current: Received | None = None
    _done: list[tuple[Received, Verdict | Result]] = field(default_factory=list)
    _unwritten: dict[Key, _Waiting] = field(default_factory=dict)

    @classmethod
    def over(
        cls,
        host: Host[Ctx],
        ctx: Ctx,
        device: Device,
        ledger: Ledger,
        opening: Opening,
        clock_error: timedelta,
        own: set[Key],
    ) -> Attempt[Ctx]:
        """An attempt that knows what the push knows so far, and keeps what it learns to itself."""
        learnt = set(own)
        many = {name: one for name, one in host.collections.items() if isinstance(one, ManyAtOnce)}
        reader = Reader(ctx, device, ledger, host.collections, many, clock_error, learnt, opening.epoch)
        judge = Judge(device, opening, reader, learnt)
        return cls(host, ctx, device, ledger, judge, round(clock_error / timedelta(milliseconds=1)))

    @property
    def reader(self) -> Reader[Ctx]:
        """What the judge reads."""
        return self.judge.reader

    def run(self, units: Sequence[Sequence[Received]], *, singly: bool = False) -> list[Result]:
        """Results in order; `singly`: each op is written before the next is judged, so that a fault is its own.

        Raises:
            whatever refused or broke: the savepoint must fall.
        """
        if not (singly or self.device.revoked):
            self.reader.ahead([one.op for unit in units for one in unit if one.op])
        for index, unit in enumerate(units):
            for one in unit:
                self.at, self.current = index, one
                self._take(one, unit)
                if singly:
                    self.reader.forget(self._write())
        self.at = None
        self._write()
        self.ledger.declare(self.device, [one.op for one, told in self._done if one.op and _has_files(one.op, told)])
        return [told if isinstance(told, Result) else told.result() for _, told in self._done]

    def alarms(self) -> list[tuple[Result, Received]]:
        """Ops in which fields clashed that must never be merged, with those fields alone."""
        grave = [(one, told, told.alarms()) for one, told in self._done if isinstance(told, Verdict) and told.clashes]
        return [
            (result._replace(fields={name: result.fields[name] for name in names}), one)
            for one, told, names in grave
            if names and (result := told.result())
        ]

    def _take(self, one: Received, unit: Sequence[Received]) -> None:
        """One that is refused before anything of it is written costs no savepoint, unless it is of a group (P9)."""
        try:
            op = self.judge.readable(one, unit)
        except (Rejected, Stopped) as error:
            self._refuse(one, unit, error)
            return
        self._write_before(op)
        try:
            verdict = self._judged(op)
        except (Rejected, Stopped) as error:
            self._refuse(one, unit, error)
            return
        self._done.append((one, verdict))
        for clash in verdict.clashes:
            verdict.conflicts[clash.field] = self.ledger.contest(self.device, clash)
        if verdict.change is not None and op.entity not in self.reader.at_once:
            self._apply(op, verdict)

    def _refuse(self, one: Received, unit: Sequence[Received], error: Rejected | Stopped) -> None:
        if len(unit) > 1:
            raise error
        result = refused(one.op_no, error)
        self.judge.stop(one, result)
        self._done.append((one, result))

    def _write_before(self, op: Op) -> None:
        """What this op is judged by must be written; should that fail, this op is not the one at fault."""
        if self._unwritten and (op.entity not in self.reader.at_once or key_of(op) in self._unwritten):
            at, self.at = self.at, None
            self.reader.forget(self._write())
            self.at = at

    def _judged(self, op: Op) -> Verdict:
        many = self.reader.at_once.get(op.entity)
        verdict = self.judge.verdict_on(op)
        if many is not None and verdict.change is not None:
            many.check(self.ctx, verdict.change)
            self._unwritten[key_of(op)] = op, verdict, verdict.change
        self.judge.learn(op, verdict)
        return verdict

    def _apply(self, op: Op, verdict: Verdict) -> None:
        """The application's own verb, which may change any record."""
        if verdict.change is None:
            return
        with self.ledger.authored(self.device, [op], self.clock_error_ms):
            verdict.rev = self.host.collections[op.entity].apply(self.ctx, verdict.change)
        self.reader.forget()

    def _write(self) -> Many[Key]:
        """All changes that wait, many at once: they are of different records, which must be read again."""
        written, self._unwritten = self._unwritten, {}
        by_entity: dict[str, list[_Waiting]] = {}
        for one in written.values():
            by_entity.setdefault(one[0].entity, []).append(one)
        for entity, some in by_entity.items():
            with self.ledger.authored(self.device, [op for op, _, _ in some], self.clock_error_ms):
                revs = self.reader.at_once[entity].apply_many(self.ctx, [change for _, _, change in some])
            for (_, verdict, _), rev in zip(some, revs, strict=True):
                verdict.rev = rev
        return written


def _has_files(op: Op, told: Verdict | Result) -> bool:
    return bool(op.files) and isinstance(told, Verdict)
