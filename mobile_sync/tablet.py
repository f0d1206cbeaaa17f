"""A device in Python: outbox, replica, overlay, over the real wire. For simulations, load tests and integrators.

Its durable state changes only in `_keep`, which is one local transaction of its storage: an exception anywhere between
two of them is a crash. Begin again from the same storage and go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from mobile_sync.incidents import Noted, to_tell, told
from mobile_sync.kept import Kept, KeptFile, MemoryStorage, Storage
from mobile_sync.link import Refused
from mobile_sync.outbox import Entry, Outbox, Stage, must_be_sendable
from mobile_sync.protocol import MAX_OPS
from mobile_sync.replica import Replica, is_far_behind, is_too_late
from mobile_sync.sending import FileWire, Urgency, in_order, send_file
from mobile_sync.settling import key_of_op, settled_pull, settled_push, settled_receipt, stands_elsewhere
from mobile_sync.wire import write_time

Post = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""`post("push" | "pull", body)` returns the answer's body; raises when there is none."""
Stream = Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]]
"""`snapshot(body)` gives the pages of a pull as they arrive; raises where they end too early."""

_MOST_BATCHES = 1_000
_NO_SUCH_DOOR = (404, 405)


@dataclass
class Tablet:
    """One device. `clock` is its own, possibly wrong, clock; `post` reaches the server, `snapshot` brings much.

    With an `app_version` it tells the centre how it fares (W9).
    """

    post: Post
    clock: Callable[[], datetime]
    schema_version: int = 1
    storage: Storage = field(default_factory=MemoryStorage)
    snapshot: Stream | None = None
    staged: list[Mapping[str, Any]] = field(default_factory=list)
    monotonic_ms: int = 0
    app_version: str | None = None
    offers: frozenset[str] = frozenset()
    kept: Kept = field(init=False)

    def __post_init__(self) -> None:
        self.kept = self.storage.load()

    @property
    def outbox(self) -> Outbox:
        """The ops kept."""
        return self.kept.outbox

    @property
    def replica(self) -> Replica:
        """What the device holds."""
        return self.kept.replica

    def restart(self) -> None:
        """After a crash: what was not in a local transaction is gone."""
        self.staged = []
        self.kept = self.storage.load()

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
        """An op that has no number yet, based on what the replica holds now, in the shape of this app (W8)."""
        held = self.replica.docs.get(f"{entity}/{rec_id}")
        based = held is not None and kind != "create"
        return {
            "entity": entity,
            "rec_id": str(rec_id),
            "kind": kind,
            "base_rev": held["rev"] if held and based else 0,
            "fields": dict(fields),
            "device_at": write_time(self.clock()),
            "schema_version": self.schema_version,
            **({"epoch": self.replica.epoch} if based else {}),
            **members,
        }

    def record(self, *ops: Mapping[str, Any], contents: Mapping[str, bytes] | None = None) -> list[int]:
        """Number ops and keep them with the files they declare, in one local transaction; several are a group.

        Raises:
            ValueError: more than a batch takes, or an op that no server would take (P19).
            OSError: the storage is full; nothing was recorded.
        """
        must_be_sendable(ops)
        outbox = self.outbox.add(*ops)
        declared = {file["sha256"]: file for op in ops for file in op.get("files", ())}
        new = {sha256: declared[sha256] for sha256 in contents or {}}
        files = {sha256: KeptFile(one["size"], one["mime"], one["kind"]) for sha256, one in new.items()}
        self._keep(replace(self.kept, outbox=outbox, files={**files, **self.kept.files}), contents or {})
        return [entry.op_no for entry in outbox.entries[-len(ops) :]]

    def _keep(self, kept: Kept, contents: Mapping[str, bytes] | None = None) -> None:
        """One local transaction. Only what was saved is believed."""
        self.storage.save(kept, contents or {})
        self.kept = kept

    def sync(self, *, limit: int = MAX_OPS) -> None:
        """Push, then pull: as a tablet does when the link is there.

        Raises:
            Refused: as the server said; a revoked device has pushed all the same, and asked whether all is still there.
        """
        self.push(limit=limit)
        try:
            self.pull(limit=limit)
        except Refused as refused:
            if refused.code == "device_revoked":
                self.push(limit=limit, ask=True)
            raise
        self.push(limit=limit)

    def push(self, *, limit: int = MAX_OPS, ask: bool = False) -> int:
        """Send until nothing is pending; returns how many batches were answered.

        `ask`: send an empty batch if there is nothing to send: its answer says what the server has forgotten (P14).
        In another life that goes first: ops which may have to be renumbered must not be under way there (P15).
        """
        for batches in range(_MOST_BATCHES):
            elsewhere = stands_elsewhere(self.kept)
            ops = [] if elsewhere else self.outbox.to_send(limit)
            if not ops and not elsewhere and (batches or not ask):
                return batches
            before = self.kept
            answer, limit = self._pushed(ops, limit)
            self._keep(settled_push(self.kept, answer))
            if not elsewhere and (self.outbox, self.kept.life) == (before.outbox, before.life):
                return batches + 1
        return _MOST_BATCHES

    def _pushed(self, ops: list[Mapping[str, Any]], limit: int) -> tuple[Mapping[str, Any], int]:
        """The answer; a batch that is too large for the server is sent in halves (W5)."""
        while True:
            try:
                return self.post("push", self.batch(ops)), limit
            except Refused as refused:
                if refused.status != 413 or len(ops) < 2:
                    raise
            limit = len(ops) // 2
            ops = self.outbox.to_send(limit)

    def batch(self, ops: list[Mapping[str, Any]]) -> dict[str, Any]:
        """A push body."""
        self.monotonic_ms += 1
        body = {
            "schema_version": self.schema_version,
            "sent_at": write_time(self.clock()),
            "monotonic_ms": self.monotonic_ms,
            "ops": ops,
            **({} if self.app_version is None else {"report": self._report()}),
        }
        return body if self.kept.life is None else {**body, "epoch": self.kept.life}

    def _report(self) -> dict[str, Any]:
        """How many ops wait the server must know (T4); the rest where the application has a name."""
        queued = [entry.op for entry in self.outbox.entries if entry.stage is Stage.PENDING]
        if self.app_version is None:
            return {"queued_ops": len(queued)}
        unsent = [file.size for file in self.kept.files.values() if not file.verified]
        oldest = {"oldest_queued_at": queued[0]["device_at"]} if queued else {}
        counts = {"queued_ops": len(queued), "queued_files": len(unsent), "queued_bytes": sum(unsent)}
        return {"app_version": self.app_version, **counts, **oldest}

    def ask_again(self, *, limit: int = MAX_OPS) -> None:
        """Ask what became of the ops that wait at the centre (P16)."""
        waiting = [entry.op for entry in self.outbox.entries if entry.stage is Stage.WAITING]
        for start in range(0, len(waiting), limit):
            answer = self.post("push", self.batch(waiting[start : start + limit]))
            self._keep(settled_push(self.kept, answer))

    def pull(self, *, limit: int = MAX_OPS) -> int:
        """Page to the end, then apply at once; returns the number of pages. What a cut link left is gone on with."""
        final = frozenset(self.kept.settled)
        more = True
        while more:
            found = to_tell(self.kept.incidents) if "incidents" in self.offers else []
            asked = {**self.replica.request(self.staged), "limit": limit, "report": self._report()}
            for page in self._pages({**asked, "incidents": found} if found else asked):
                if is_too_late(page, self.staged):
                    self.staged = []
                    break
                self._stage(page, found)
                more = any(state["more"] for state in page["buckets"])
        pages = len(self.staged)
        self._keep(settled_pull(self.kept, self.staged, final))
        self.staged = []
        return pages

    def _stage(self, page: Mapping[str, Any], sent: Sequence[Noted]) -> None:
        self.staged = [*self.staged, page]
        self.offers = frozenset(page.get("offers", ()))
        if sent:
            self._keep(replace(self.kept, incidents=tuple(told(self.kept.incidents, sent))))

    def _pages(self, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """All of them from a stream where much is to come and the server has streams, else one (L15)."""
        if self.snapshot is not None and is_far_behind(body):
            try:
                yield from self.snapshot(body)
            except Refused as refused:
                if refused.status not in _NO_SUCH_DOOR:
                    raise
                self.snapshot = None
            else:
                return
        yield self.post("pull", body)

    def upload(self, wire: FileWire, *, chunk_bytes: int = 256 * 1024, urgency: Urgency = lambda sha256: 0) -> int:
        """Send the files the server lacks, small and needed first (B10); returns how many it has verified.

        An op goes before its files (B11).
        """
        sent = 0
        pending = [entry.op for entry in self.outbox.entries if entry.stage is Stage.PENDING]
        early = {file["sha256"] for op in pending for file in op.get("files", ())}
        ready = {sha256: file for sha256, file in self.kept.files.items() if sha256 not in early}
        for sha256 in in_order(ready, urgency):
            file = self.kept.files[sha256]
            if send_file(wire, sha256, file, self.storage.content(sha256), chunk_bytes):
                files = {**self.kept.files, sha256: replace(file, verified=True)}
                self._keep(replace(self.kept, files=files, keep_s=wire.keep_s))
                sent += 1
        return sent

    def take_receipt(self, claims: Mapping[str, Any]) -> bool:
        """Settle what a courier's receipt settles; False: it is from another life of the server (V8)."""
        after = settled_receipt(self.kept, claims)
        if after is not None:
            self._keep(after)
        return after is not None

    @property
    def safe_to_leave(self) -> bool:
        """Every op has a result and every file is verified."""
        pending = any(entry.stage is Stage.PENDING for entry in self.outbox.entries)
        return not pending and all(file.verified for file in self.kept.files.values())

    def result(self, op_no: int) -> Mapping[str, Any]:
        """What the server said about an op."""
        return next(entry.result or {} for entry in self.outbox.entries if entry.op_no == op_no)

    def see(self, entity: str, rec_id: UUID) -> dict[str, Any] | None:
        """The record as the person sees it: the replica's document under the overlay of unconfirmed ops (L6)."""
        key = f"{entity}/{rec_id}"
        held = self.replica.docs.get(key)
        doc = dict(held["doc"]) if held else None
        for entry in self.outbox.entries:
            if key_of_op(entry.op) == key and self._overlaid(entry, held):
                doc = None if entry.op["kind"] == "delete" else {**(doc or {}), **entry.op["fields"]}
        return doc

    def _overlaid(self, entry: Entry, held: Mapping[str, Any] | None) -> bool:
        if entry.stage is not Stage.FINAL:
            return True
        result = entry.result or {}
        if result.get("status") in ("rejected", "conflict"):
            return False
        return entry.op_no not in self.kept.shown or (held is not None and held["rev"] < result.get("rev", 0))


def file_of(content: bytes, *, mime: str, kind: str, slot: str) -> dict[str, Any]:
    """How an op declares a file (P17)."""
    sha256 = hashlib.sha256(content).hexdigest()
    return {"sha256": sha256, "size": len(content), "mime": mime, "kind": kind, "slot": slot}
