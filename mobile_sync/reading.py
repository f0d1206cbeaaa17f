"""What the judgement of an op must know, read for a whole batch at once where that can be done (SPEC.md M3, S5)."""

from __future__ import annotations

from collections.abc import Collection as Many
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from mobile_sync.beliefs import VersionSeen
from mobile_sync.collection import Collection, ManyAtOnce, Stored
from mobile_sync.ledger import Asked, Key, Ledger
from mobile_sync.protocol import Device, Kind, Op

Ctx = TypeVar("Ctx")
_UNREAD = Stored(-1, {})


def key_of(op: Op) -> Key:
    """The record an op is about."""
    return op.entity, op.rec_id


def base_of(op: Op) -> int:
    """The revision the op's device believed in; one who creates believed in none (M9)."""
    return 0 if op.kind is Kind.CREATE else op.base_rev


@dataclass
class Reader(Generic[Ctx]):
    """Reads inside one savepoint. `own`: records that earlier ops of this push wrote."""

    ctx: Ctx
    device: Device
    ledger: Ledger
    collections: Mapping[str, Collection[Ctx]]
    at_once: Mapping[str, ManyAtOnce[Ctx]]
    clock_error: timedelta
    own: Many[Key]
    epoch: str
    _records: dict[Key, Stored | None] = field(default_factory=dict)
    _scoped: dict[int, bool] = field(default_factory=dict)
    _versions: dict[Key, dict[int, Sequence[VersionSeen]]] = field(default_factory=dict)  # by record and op_no

    def ahead(self, ops: Sequence[Op]) -> None:
        """Read all that these ops will ask for, of collections that are read many at a time."""
        wanted: dict[str, set[UUID]] = {}
        for op in ops:
            if op.entity in self.at_once:
                wanted.setdefault(op.entity, set()).add(op.rec_id)
        found = {entity: self.at_once[entity].stored_many(self.ctx, ids) for entity, ids in sorted(wanted.items())}
        self._records = {
            (entity, rec_id): found[entity].get(rec_id) for entity, ids in wanted.items() for rec_id in ids
        }
        if any(found.values()):
            known = [(op, stored) for op in ops if (stored := self._records.get(key_of(op))) is not None]
            self._ask_scope([op for op, _ in known if self._must_be_asked(op)])
            self._ask_history([(op, base) for op, stored in known if 0 <= (base := self.base_rev(op)) < stored.rev])

    def stored(self, op: Op) -> Stored | None:
        """The op's record, locked; None if it never was."""
        key = key_of(op)
        known = self._records.get(key, _UNREAD)
        if known is not _UNREAD:
            return known
        many = self.at_once.get(op.entity)
        if many is None:
            return self.collections[op.entity].stored(self.ctx, op.rec_id)
        return self._records.setdefault(key, many.stored_many(self.ctx, [op.rec_id]).get(op.rec_id))

    def in_scope(self, op: Op) -> bool:
        """Whether the device may write this record that exists (S5, S6)."""
        if not self._must_be_asked(op):
            return True
        if op.op_no not in self._scoped:
            self._ask_scope([op])
        return self._scoped[op.op_no]

    def base_rev(self, op: Op) -> int:
        """A revision of another life counts as far as that life and this one are the same (M13)."""
        base = base_of(op)
        return base if op.epoch in (None, self.epoch) or base == 0 else min(base, self.ledger.shared_rev(op))

    def versions_after(self, op: Op, base_rev: int) -> Sequence[VersionSeen]:
        """The record's history since `base_rev`, oldest first."""
        if op.op_no not in self._versions.get(key_of(op), {}):
            self._ask_history([(op, base_rev)])
        return self._versions[key_of(op)][op.op_no]

    def forget(self, keys: Many[Key] | None = None) -> None:
        """These records, or any (None), were written: they must be read again."""
        for key in {*self._records, *self._versions} if keys is None else keys:
            self._records.pop(key, None)
            self._versions.pop(key, None)

    def _must_be_asked(self, op: Op) -> bool:
        if self.device.vouched:
            return False
        return not self.collections[op.entity].push_only and key_of(op) not in self.own

    def _ask_scope(self, ops: Sequence[Op]) -> None:
        asked = [Asked(op, self._corrected(op.device_at), self.base_rev(op)) for op in ops]
        held = self.ledger.held_by(self.device, asked) if asked else set()
        self._scoped.update({op.op_no: op.op_no in held for op in ops})

    def _ask_history(self, wanted: Sequence[tuple[Op, int]]) -> None:
        found = self.ledger.versions_after(self.device, wanted) if wanted else {}
        for op, _ in wanted:
            self._versions.setdefault(key_of(op), {})[op.op_no] = found.get(op.op_no, ())

    def _corrected(self, device_at: datetime) -> datetime:
        """Device time on the server's clock (P13); the ends of time stay where they are."""
        try:
            return device_at - self.clock_error
        except OverflowError:
            return device_at
