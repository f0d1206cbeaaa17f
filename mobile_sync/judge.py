"""One op: may it run, what survives of it, what is written (SPEC.md P8–P12, M, S5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from mobile_sync.collection import Change, Collection, FieldRule, Policy, Stored, rule_for
from mobile_sync.ledger import Clash, Key, Ledger, Opening
from mobile_sync.merge import Believed, Decision, merge, status_of, written
from mobile_sync.protocol import (
    Device,
    FieldError,
    FieldResult,
    Kind,
    Op,
    Outcome,
    Received,
    Refusal,
    Rejected,
    Result,
    Status,
)
from mobile_sync.stops import Stopped, held, quarantined
from mobile_sync.upcast import upcast

if TYPE_CHECKING:
    from mobile_sync.engine import Host

Ctx = TypeVar("Ctx")
DELETED = "$deleted"


@dataclass
class Judge(Generic[Ctx]):
    """Judges the ops of one savepoint. What it learns is kept only if the savepoint holds."""

    host: Host[Ctx]
    ctx: Ctx
    device: Device
    ledger: Ledger
    opening: Opening
    clock_error: timedelta
    own: set[Key]
    raised: dict[Key, set[str]] = field(default_factory=dict)
    sent: dict[Key, dict[str, Any]] = field(default_factory=dict)  # by the ops before in this savepoint, not filed yet
    alarms: list[tuple[Result, Received]] = field(default_factory=list)

    def keep_contested(self) -> None:
        """The savepoint holds: later ops see the conflicts raised in it."""
        for key, names in self.raised.items():
            self.opening.contested.setdefault(key, set()).update(names)

    def result_of(self, received: Received, unit: Sequence[Received]) -> Result:
        """The op's result.

        Raises:
            Rejected: a rule said no. Stopped: it waits.
        """
        op = self._readable(received, unit)
        collection = self.host.collections.get(op.entity)
        if collection is None:
            raise quarantined("unknown_entity", entity=op.entity)
        if op.schema_version not in collection.schema_versions:
            op = replace(op, fields=_in_shape(collection, op.schema_version, op.fields))
        self._must_not_wait(op)
        with self.ledger.authored(self.device, op, round(self.clock_error / timedelta(milliseconds=1))):
            result = self._written(collection, op)
        if op.files:
            self.ledger.declare(self.device, op)
        self._note_alarm(collection, result, received)
        return result

    def _readable(self, received: Received, unit: Sequence[Received]) -> Op:
        if self.device.revoked:
            raise quarantined("device_revoked")
        if received.op is None:
            raise Stopped(Status.QUARANTINED, received.refusal or Refusal("malformed"))
        if received.group and (len(unit) == 1 or received.group != unit[0].group):
            refusal = Refusal("malformed", {}, (FieldError("group_no", "not_in_group"),))
            raise Stopped(Status.QUARANTINED, refusal)
        return received.op

    def _must_not_wait(self, op: Op) -> None:
        """P8, P12."""
        waiting = self.opening.waiting.get((op.entity, op.rec_id))
        if waiting is not None:
            raise held("record_waits", waiting)
        for number in op.depends_on:
            filed = self.opening.filed.get(number)
            if filed and filed.result.status is Status.REJECTED:
                raise Rejected("dependency_rejected", op_no=number)
            if filed and filed.result.status.waits:
                raise held("dependency_waits", number)

    def _written(self, collection: Collection[Ctx], op: Op) -> Result:
        stored = collection.stored(self.ctx, op.rec_id)
        if stored is not None:
            self._must_be_in_scope(collection, op)
        if op.kind is Kind.DELETE:
            return self._deleted(collection, op, stored)
        if stored is None and op.kind is Kind.UPDATE:
            raise Rejected("unknown_record")
        if stored is not None and stored.deleted:
            return self._too_late(collection, op, stored)
        return self._merged(collection, op, stored)

    def _must_be_in_scope(self, collection: Collection[Ctx], op: Op) -> None:
        key = (op.entity, op.rec_id)
        if collection.push_only or key in self.own or key in self.opening.held:
            return
        if not self.ledger.held_by(self.device, op, self._corrected(op.device_at)):
            raise quarantined("out_of_scope")

    def _corrected(self, device_at: datetime) -> datetime:
        """Device time on the server's clock (P13); the ends of time stay where they are."""
        try:
            return device_at - self.clock_error
        except OverflowError:
            return device_at

    def _merged(self, collection: Collection[Ctx], op: Op, stored: Stored | None) -> Result:
        theirs = stored.fields if stored else {}
        believed = self._believed(collection, op, stored)
        decisions = merge(op.fields, theirs, believed, collection.rules)
        survivors = written(decisions)
        rev = stored.rev if stored else 0
        if survivors or stored is None:
            kind = Kind.UPDATE if stored else Kind.CREATE
            rev = collection.apply(self.ctx, Change(kind, op.rec_id, survivors, stored, op, self.device))
            self.own.add((op.entity, op.rec_id))
            self.sent.setdefault((op.entity, op.rec_id), {}).update(op.fields)
        status = status_of(decisions)
        if stored is None and status is Status.NOOP:
            status = Status.APPLIED
        conflicts = self._contest(op, decisions, believed, stored, collection.rules)
        return Result(op.op_no, status, rev, fields=_spoken(decisions, conflicts))

    def _believed(self, collection: Collection[Ctx], op: Op, stored: Stored | None) -> Believed:
        key = (op.entity, op.rec_id)
        contested = frozenset(self.opening.contested.get(key, set()) | self.raised.get(key, set()))
        base_rev = 0 if op.kind is Kind.CREATE else op.base_rev
        if stored is None or stored.rev == base_rev:
            return Believed(contested=contested)
        if base_rev > stored.rev:
            return Believed(contested=contested, whole=False, others=True)
        shape = partial(_known_in_shape, collection)
        believed = self.ledger.believed(self.device, op, base_rev=base_rev, contested=contested, shape=shape)
        just_sent = self.sent.get(key, {})
        passed = {**believed.passed, **dict.fromkeys(just_sent, ())}
        return replace(believed, base={**believed.base, **just_sent}, passed=passed)

    def _contest(
        self,
        op: Op,
        decisions: Mapping[str, Decision],
        believed: Believed,
        stored: Stored | None,
        rules: Mapping[str, FieldRule],
    ) -> dict[str, UUID]:
        names = [name for name, decision in decisions.items() if decision.outcome is Outcome.CONFLICT]
        return {name: self._open(op, name, decisions[name].value, believed, stored, rules) for name in names}

    def _open(
        self,
        op: Op,
        name: str,
        theirs: Any,
        believed: Believed,
        stored: Stored | None,
        rules: Mapping[str, FieldRule],
    ) -> UUID:
        self.raised.setdefault((op.entity, op.rec_id), set()).add(name)
        base = believed.base_of(name, theirs)
        rev = stored.rev if stored else 0
        rule = _rule(rules, name)
        return self.ledger.contest(self.device, Clash(op, name, base, theirs, op.fields.get(name, True), rev, rule))

    def _too_late(self, collection: Collection[Ctx], op: Op, stored: Stored) -> Result:
        """The record was deleted: every value waits for a person (M10)."""
        decisions = {name: Decision(Outcome.CONFLICT, None) for name in op.fields}
        conflicts = self._contest(op, decisions, Believed(whole=False), stored, collection.rules)
        return Result(op.op_no, Status.CONFLICT, stored.rev, Refusal("deleted"), _spoken(decisions, conflicts))

    def _deleted(self, collection: Collection[Ctx], op: Op, stored: Stored | None) -> Result:
        if stored is None or stored.deleted:
            return Result(op.op_no, Status.NOOP, stored.rev if stored else 0)
        clash = self._believed(collection, op, stored).others and collection.on_delete is not Policy.DEVICE
        if not clash:
            rev = collection.apply(self.ctx, Change(Kind.DELETE, op.rec_id, {}, stored, op, self.device))
            return Result(op.op_no, Status.APPLIED, rev)
        if collection.on_delete is Policy.SERVER:
            kept = FieldResult(Outcome.KEPT, value=False)
            return Result(op.op_no, Status.MERGED, stored.rev, fields={DELETED: kept})
        decisions = {DELETED: Decision(Outcome.CONFLICT, value=False)}
        conflicts = self._contest(op, decisions, Believed(whole=False), stored, collection.rules)
        return Result(op.op_no, Status.CONFLICT, stored.rev, fields=_spoken(decisions, conflicts))

    def _note_alarm(self, collection: Collection[Ctx], result: Result, received: Received) -> None:
        grave = [
            name
            for name, told in result.fields.items()
            if told.outcome is Outcome.CONFLICT and _rule(collection.rules, name).policy is Policy.NEVER
        ]
        if grave:
            fields = {name: result.fields[name] for name in grave}
            self.alarms.append((replace(result, fields=fields), received))


def _in_shape(collection: Collection[Ctx], version: int, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an older app said, in today's shape (W8)."""
    return upcast(fields, version, collection.schema_versions, collection.upcasters)


def _known_in_shape(collection: Collection[Ctx], version: int, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same of an op that was taken long ago; what cannot be said any more is not known any more."""
    try:
        return _in_shape(collection, version, fields)
    except Stopped:
        return {}


def _rule(rules: Mapping[str, FieldRule], name: str) -> FieldRule:
    return rule_for(rules, name) or FieldRule(Policy.HUMAN)


def _spoken(decisions: Mapping[str, Decision], conflicts: Mapping[str, UUID]) -> dict[str, FieldResult]:
    """The fields whose outcome the client could not guess (P7)."""
    return {
        name: FieldResult(decision.outcome, decision.value, conflicts.get(name))
        for name, decision in decisions.items()
        if decision.outcome is not Outcome.APPLIED
    }
