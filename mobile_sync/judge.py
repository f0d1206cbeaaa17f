"""One op: may it run, what survives of it (SPEC.md P8–P12, M, S5). Decides only; nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from mobile_sync.beliefs import believed_from
from mobile_sync.collection import Change, Collection, FieldRule, Policy, Stored, rule_for
from mobile_sync.ledger import Clash, Key, Opening
from mobile_sync.merge import Believed, Decision, first_write, merge, status_of, written
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
from mobile_sync.reading import Reader, key_of
from mobile_sync.stops import Stopped, held, quarantined
from mobile_sync.upcast import upcast

Ctx = TypeVar("Ctx")
DELETED = "$deleted"


@dataclass(slots=True)
class Verdict:
    """What is to become of an op. `rev` and `conflicts` (ids by field) are filled in by whoever writes it."""

    op_no: int
    status: Status
    rev: int = 0
    change: Change | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    clashes: Sequence[Clash] = ()
    refusal: Refusal | None = None
    conflicts: dict[str, UUID] = field(default_factory=dict)

    def result(self) -> Result:
        """As the device is told: fields whose outcome it could not guess (P7)."""
        if not self.decisions:
            return Result(self.op_no, self.status, self.rev, self.refusal)
        told = {
            name: FieldResult(decision.outcome, decision.value, self.conflicts.get(name))
            for name, decision in self.decisions.items()
            if decision.outcome is not Outcome.APPLIED
        }
        return Result(self.op_no, self.status, self.rev, self.refusal, told)

    def alarms(self) -> list[str]:
        """Fields that must never be merged, and clashed (M4)."""
        return [clash.field for clash in self.clashes if clash.rule.policy is Policy.NEVER]


@dataclass
class Judge(Generic[Ctx]):
    """Judges the ops of one savepoint. What it learns is kept only if the savepoint holds."""

    device: Device
    opening: Opening
    reader: Reader[Ctx]
    own: set[Key]
    raised: dict[Key, set[str]] = field(default_factory=dict)
    sent: dict[Key, Mapping[str, Any]] = field(default_factory=dict)  # by ops before in this savepoint, not filed yet
    stopped: dict[int, Result] = field(default_factory=dict)  # ops before in this savepoint that did not run
    waiting: dict[Key, int] = field(default_factory=dict)

    def keep_contested(self) -> None:
        """The savepoint holds: later ops see the conflicts raised in it."""
        for key, names in self.raised.items():
            self.opening.contested.setdefault(key, set()).update(names)

    def readable(self, received: Received, unit: Sequence[Received]) -> Op:
        """The op, if it may be judged now at all.

        Raises:
            Rejected: what it depends on was. Stopped: it waits.
        """
        op = self._whole(received, unit)
        collection = self.reader.collections.get(op.entity)
        if collection is None:
            raise quarantined("unknown_entity", entity=op.entity)
        if op.schema_version not in collection.schema_versions:
            op = op._replace(fields=in_shape(collection, op.schema_version, op.fields))
        self._must_not_wait(op)
        return op

    def verdict_on(self, op: Op) -> Verdict:
        """What becomes of it.

        Raises:
            Rejected: a rule said no. Stopped: it waits.
        """
        collection = self.reader.collections[op.entity]
        stored = self.reader.stored(op)
        if stored is not None and not self.reader.in_scope(op):
            raise quarantined("out_of_scope")
        if op.kind is Kind.DELETE:
            return self._deleted(collection, op, stored)
        if stored is None and op.kind is Kind.UPDATE:
            raise Rejected("unknown_record")
        if stored is not None and stored.deleted:
            return self._too_late(collection, op, stored)
        return self._merged(collection, op, stored)

    def learn(self, op: Op, verdict: Verdict) -> None:
        """It runs: later ops of this savepoint follow it."""
        key = key_of(op)
        if verdict.change is not None and op.kind is not Kind.DELETE:
            before = self.sent.get(key)
            self.own.add(key)
            self.sent[key] = op.fields if before is None else {**before, **op.fields}
        if verdict.clashes:
            self.raised.setdefault(key, set()).update(clash.field for clash in verdict.clashes)

    def stop(self, received: Received, result: Result) -> None:
        """It does not run: later ops of its record may have to wait for it (P8)."""
        self.stopped[received.op_no] = result
        if result.status.waits and received.op:
            self.waiting.setdefault(key_of(received.op), received.op_no)

    def _whole(self, received: Received, unit: Sequence[Received]) -> Op:
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
        if self.opening.waiting or self.waiting:
            key = key_of(op)
            waiting = self.opening.waiting.get(key) or self.waiting.get(key)
            if waiting is not None:
                raise held("record_waits", waiting)
        for number in op.depends_on:
            status = self._status_of(number)
            if status is Status.REJECTED:
                raise Rejected("dependency_rejected", op_no=number)
            if status is not None and status.waits:
                raise held("dependency_waits", number)

    def _status_of(self, number: int) -> Status | None:
        """None: it ran just now, or is not known; either way nothing hinders."""
        filed = self.opening.filed.get(number)
        told = filed.result if filed else self.stopped.get(number)
        return told.status if told else None

    def _merged(self, collection: Collection[Ctx], op: Op, stored: Stored | None) -> Verdict:
        taken = first_write(op.fields, collection.rules) if stored is None and not self._contested(op) else None
        if taken is not None:
            return self._changing(op, Verdict(op.op_no, Status.APPLIED), taken, stored)
        theirs = stored.fields if stored else {}
        believed = self._believed(collection, op, stored)
        rules = _rules(collection, stored)
        decisions = merge(op.fields, theirs, believed, rules)
        status = status_of(decisions)
        if stored is None and status is Status.NOOP:
            status = Status.APPLIED
        verdict = Verdict(op.op_no, status, stored.rev if stored else 0, decisions=decisions)
        survivors = written(decisions)
        if survivors or stored is None:
            self._changing(op, verdict, survivors, stored)
        verdict.clashes = self._clashes(op, decisions, believed, stored, rules)
        return verdict

    def _changing(self, op: Op, verdict: Verdict, fields: Mapping[str, Any], stored: Stored | None) -> Verdict:
        kind = Kind.UPDATE if stored else Kind.CREATE
        verdict.change = Change(kind, op.rec_id, fields, stored, op, self.device)
        return verdict

    def _contested(self, op: Op) -> frozenset[str]:
        if not (self.opening.contested or self.raised):
            return frozenset()
        key = key_of(op)
        return frozenset(self.opening.contested.get(key, set()) | self.raised.get(key, set()))

    def _believed(self, collection: Collection[Ctx], op: Op, stored: Stored | None) -> Believed:
        contested, base_rev = self._contested(op), self.reader.base_rev(op)
        if stored is None or stored.rev == base_rev:
            return Believed(contested=contested)
        if base_rev > stored.rev:
            return Believed(contested=contested, whole=False, others=True)
        seen = self.reader.versions_after(op, base_rev)
        believed = believed_from(seen, base_rev, contested, partial(_known_in_shape, collection))
        just_sent = self.sent.get(key_of(op), {})
        passed = {**believed.passed, **dict.fromkeys(just_sent, ())}
        return replace(believed, base={**believed.base, **just_sent}, passed=passed)

    def _clashes(
        self,
        op: Op,
        decisions: Mapping[str, Decision],
        believed: Believed,
        stored: Stored | None,
        rules: Mapping[str, FieldRule],
    ) -> list[Clash]:
        found, rev = [], stored.rev if stored else 0
        for name, decision in decisions.items():
            if decision.outcome is Outcome.CONFLICT:
                base = believed.base_of(name, decision.value)
                rule = rule_for(rules, name) or FieldRule(Policy.HUMAN)
                found.append(Clash(op, name, base, decision.value, op.fields.get(name, True), rev, rule))
        return found

    def _too_late(self, collection: Collection[Ctx], op: Op, stored: Stored) -> Verdict:
        """The record was deleted: every value waits for a person (M10)."""
        decisions = {name: Decision(Outcome.CONFLICT, None) for name in op.fields}
        clashes = self._clashes(op, decisions, Believed(whole=False), stored, _rules(collection, stored))
        refusal = Refusal("deleted")
        return Verdict(op.op_no, Status.CONFLICT, stored.rev, None, decisions, clashes, refusal)

    def _deleted(self, collection: Collection[Ctx], op: Op, stored: Stored | None) -> Verdict:
        if stored is None or stored.deleted:
            return Verdict(op.op_no, Status.NOOP, stored.rev if stored else 0)
        clash = self._believed(collection, op, stored).others and collection.on_delete is not Policy.DEVICE
        if not clash:
            change = Change(Kind.DELETE, op.rec_id, {}, stored, op, self.device)
            return Verdict(op.op_no, Status.APPLIED, change=change)
        outcome = Outcome.KEPT if collection.on_delete is Policy.SERVER else Outcome.CONFLICT
        decisions = {DELETED: Decision(outcome, value=False)}
        clashes = self._clashes(op, decisions, Believed(whole=False), stored, _rules(collection, stored))
        status = Status.CONFLICT if clashes else Status.MERGED
        return Verdict(op.op_no, status, stored.rev, None, decisions, clashes)


def _rules(collection: Collection[Ctx], stored: Stored | None) -> Mapping[str, FieldRule]:
    """The record's own policies, else those of its collection (M1)."""
    return collection.rules if stored is None or stored.rules is None else stored.rules


def in_shape(collection: Collection[Ctx], version: int, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an older app said, in today's shape (W8)."""
    return upcast(fields, version, collection.schema_versions, collection.upcasters)


def _known_in_shape(collection: Collection[Ctx], version: int, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same of an op that was taken long ago; what cannot be said any more is not known any more."""
    try:
        return in_shape(collection, version, fields)
    except Stopped:
        return {}
