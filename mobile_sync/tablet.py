"""A device in Python: outbox, replica, overlay, over the real wire. For simulations, load tests and integrators.

Its durable state changes only in `_keep_*` steps, each of which stands for one local transaction, so an exception
anywhere between them is a crash: call `restart()` and go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from mobile_sync.outbox import Entry, Outbox, Stage
from mobile_sync.replica import Replica
from mobile_sync.wire import write_time

Post = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""`post("push" | "pull", body)` returns the answer's body; raises when there is none."""


@dataclass
class Tablet:
    """One device. `clock` is its own, possibly wrong, clock; `post` reaches the server."""

    post: Post
    clock: Callable[[], datetime]
    schema_version: int = 1
    outbox: Outbox = field(default_factory=Outbox)
    replica: Replica = field(default_factory=Replica)
    staged: list[Mapping[str, Any]] = field(default_factory=list)
    monotonic_ms: int = 0
    _settled_before: set[int] = field(default_factory=set)

    def restart(self) -> None:
        """After a crash: what was not in a local transaction is gone."""
        self.staged = []

    def create(self, entity: str, rec_id: UUID, fields: Mapping[str, Any], **members: Any) -> int:
        """Record a new record; returns its op_no."""
        return self.record(self.op("create", entity, rec_id, fields, **members))[0]

    def update(self, entity: str, rec_id: UUID, fields: Mapping[str, Any], **members: Any) -> int:
        """Record a change; returns its op_no."""
        return self.record(self.op("update", entity, rec_id, fields, **members))[0]

    def delete(self, entity: str, rec_id: UUID, **members: Any) -> int:
        """Record a deletion; returns its op_no."""
        return self.record(self.op("delete", entity, rec_id, {}, **members))[0]

    def op(self, kind: str, entity: str, rec_id: UUID, fields: Mapping[str, Any], **members: Any) -> dict[str, Any]:
        """An op that has no number yet, based on what the replica holds now."""
        held = self.replica.docs.get(f"{entity}/{rec_id}")
        return {
            "entity": entity,
            "rec_id": str(rec_id),
            "kind": kind,
            "base_rev": held["rev"] if held and kind != "create" else 0,
            "fields": dict(fields),
            "device_at": write_time(self.clock()),
            **members,
        }

    def record(self, *ops: Mapping[str, Any]) -> list[int]:
        """Number ops and keep them, in one local transaction; several are a group."""
        self.outbox = self.outbox.add(*ops)
        return [entry.op_no for entry in self.outbox.entries[-len(ops) :]]

    def sync(self, *, limit: int = 500) -> None:
        """Push, then pull: as a tablet does when the link is there."""
        self.push(limit=limit)
        self.pull(limit=limit)

    def push(self, *, limit: int = 500) -> int:
        """Send until nothing is pending; returns how many batches went."""
        batches = 0
        while (ops := self.outbox.to_send(limit)) and batches < 1_000:
            before = self.outbox
            self.outbox = self.outbox.settle(self.post("push", self.batch(ops)))
            batches += 1
            if self.outbox == before:
                break
        return batches

    def batch(self, ops: list[Mapping[str, Any]]) -> dict[str, Any]:
        """A push body."""
        self.monotonic_ms += 1
        return {
            "schema_version": self.schema_version,
            "sent_at": write_time(self.clock()),
            "monotonic_ms": self.monotonic_ms,
            "ops": ops,
        }

    def pull(self, *, limit: int = 500) -> int:
        """Page to the end, then apply at once; returns the number of pages."""
        settled = {entry.op_no for entry in self.outbox.entries if entry.stage is Stage.FINAL}
        while True:
            page = self.post("pull", {**self.replica.request(self.staged), "limit": limit})
            self.staged = [*self.staged, page]
            if not any(state["more"] for state in page["buckets"]):
                break
        pages = len(self.staged)
        self._keep_pulled(settled)
        return pages

    def _keep_pulled(self, settled: set[int]) -> None:
        """One local transaction: rows, cursors, and which overlays have done their work."""
        self.replica.apply(self.staged, self._pending_keys())
        self.staged = []
        self._settled_before |= settled

    def _pending_keys(self) -> set[str]:
        return {_key(entry) for entry in self.outbox.entries if entry.stage is Stage.PENDING}

    def result(self, op_no: int) -> Mapping[str, Any]:
        """What the server said about an op."""
        return next(entry.result or {} for entry in self.outbox.entries if entry.op_no == op_no)

    def see(self, entity: str, rec_id: UUID) -> dict[str, Any] | None:
        """The record as the person sees it: the replica's document under the overlay of unconfirmed ops (L6)."""
        key = f"{entity}/{rec_id}"
        held = self.replica.docs.get(key)
        doc = dict(held["doc"]) if held else None
        for entry in self.outbox.entries:
            if _key(entry) == key and self._overlaid(entry, held):
                doc = None if entry.op["kind"] == "delete" else {**(doc or {}), **entry.op["fields"]}
        return doc

    def _overlaid(self, entry: Entry, held: Mapping[str, Any] | None) -> bool:
        if entry.stage is not Stage.FINAL:
            return True
        result = entry.result or {}
        if result.get("status") in ("rejected", "conflict"):
            return False
        return entry.op_no not in self._settled_before or (held is not None and held["rev"] < result.get("rev", 0))


def _key(entry: Entry) -> str:
    return f"{entry.op['entity']}/{entry.op['rec_id']}"
