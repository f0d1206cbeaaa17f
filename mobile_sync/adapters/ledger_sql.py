"""The ledger in PostgreSQL, inside any SQLAlchemy session's transaction (SPEC.md P2, P3, M3, M6, S5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import bindparam, literal, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from mobile_sync.adapters.bulk import Packed
from mobile_sync.adapters.entries import index_lookups
from mobile_sync.adapters.epochs import current_epoch
from mobile_sync.adapters.filing import Filing, file_rows
from mobile_sync.adapters.tables import blob, blob_ref, sync_conflict, sync_device_state
from mobile_sync.adapters.tracking import Author, authored, tracker_of
from mobile_sync.beliefs import VersionSeen
from mobile_sync.ledger import Asked, Clash, Filed, Key, Opening
from mobile_sync.merge import UNKNOWN
from mobile_sync.protocol import Batch, Device, Op, Received, Result, Status
from mobile_sync.results import read_result

_KEYED = (
    bindparam("op_no", type_=Packed("bigint")),
    bindparam("entity", type_=Packed("text")),
    bindparam("rec_id", type_=Packed("uuid")),
)
_LOCK = text(
    """
    SELECT high_op_no, (SELECT epoch FROM sync_epoch WHERE id = 1) AS epoch
    FROM sync_device_state WHERE device_id = :device_id FOR UPDATE
    """
)
# Most results say no more than their columns do and need not be read; whatever does has an object within.
_FILED = text(
    """
    SELECT op_no, digest, status, rev_after, CASE WHEN strpos(substr(result::text, 2), '{') > 0 THEN result END
    FROM sync_op WHERE device_id = :device_id AND op_no = ANY(:op_no)
    """
).bindparams(_KEYED[0])
_WAITING = text(
    """
    SELECT entity, rec_id, op_no FROM sync_op
    WHERE device_id = :device_id AND status IN ('held', 'quarantined') AND rec_id IS NOT NULL ORDER BY op_no DESC
    """
)
_CONTESTED = text(
    """
    SELECT entity, rec_id, field FROM sync_conflict
    WHERE rec_id = ANY(:rec_id) AND device_id = :device_id AND state = 'open'
    """
).bindparams(_KEYED[2])
_VERSIONS = text(
    """
    SELECT w.op_no, v.rev, v.prev_rev, v.patch, v.device_id IS NOT DISTINCT FROM :device_id AS own,
           o.body -> 'fields' AS sent, coalesce(o.schema_version, 0) AS sent_version
    FROM unnest(:op_no, :entity, :rec_id, :base_rev) AS w(op_no, entity, rec_id, base_rev)
    JOIN record_version v ON v.entity = w.entity AND v.rec_id = w.rec_id AND v.rev > w.base_rev
    LEFT JOIN sync_op o ON o.device_id = :device_id AND v.device_id = :device_id AND o.op_no = v.op_no
    ORDER BY w.op_no, v.rev
    """
).bindparams(*_KEYED, bindparam("base_rev", type_=Packed("bigint")))
_HELD = text(
    """
    SELECT w.op_no FROM unnest(:op_no, :entity, :rec_id, :at, :base_rev) AS w(op_no, entity, rec_id, at, base_rev)
    WHERE EXISTS (
      SELECT FROM sync_entry e JOIN sync_subscription s ON s.bucket_id = e.bucket_id AND s.device_id = :device_id
      WHERE e.rec_id = w.rec_id AND e.entity = w.entity AND (
        NOT e.gone AND s.until IS NULL
        OR s.since <= w.at AND (s.until IS NULL OR s.until >= w.at) AND (e.gone_at IS NULL OR e.gone_at >= w.at)))
    OR EXISTS (
      SELECT FROM record_version v
      WHERE v.entity = w.entity AND v.rec_id = w.rec_id AND v.prev_rev = 0 AND v.device_id = :device_id)
    OR w.base_rev > 0 AND EXISTS (
      SELECT FROM sync_entry e JOIN sync_subscription s ON s.bucket_id = e.bucket_id AND s.device_id = :device_id
      CROSS JOIN LATERAL (
        SELECT min(v.server_at) AS at FROM record_version v
        WHERE v.entity = w.entity AND v.rec_id = w.rec_id AND v.rev >= w.base_rev) AS seen
      WHERE e.rec_id = w.rec_id AND e.entity = w.entity AND (s.until IS NULL OR s.until >= seen.at)
        AND (e.gone_at IS NULL OR e.gone_at >= greatest(seen.at, s.since)) AND seen.at IS NOT NULL)
    """
).bindparams(*_KEYED, bindparam("at", type_=Packed("timestamptz")), bindparam("base_rev", type_=Packed("bigint")))

_STATUSES = {status.value: status for status in Status}


def _asked(ops: Sequence[Op]) -> dict[str, Any]:
    return {
        "op_no": [op.op_no for op in ops],
        "entity": [op.entity for op in ops],
        "rec_id": [op.rec_id for op in ops],
    }


_LOST = (
    "08",
    "40",
    "53",
    "57",
    "58",
    "55P03",
    "25P02",
)  # SQLSTATE classes in which the transaction, not the op, failed


def is_fatal(error: Exception) -> bool:
    """True: connection lost, deadlock, out of resources. The whole push is to be repeated."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, MemoryError | OSError)
    state = str(getattr(error.orig, "sqlstate", None) or "08")
    return error.connection_invalidated or state.startswith(_LOST)


_SHARED = text(
    """
    SELECT coalesce(max(v.rev), 0) FROM record_version v, sync_epoch e
    WHERE v.entity = :entity AND v.rec_id = :rec_id AND v.server_at < e.since
    """
)


@dataclass
class SqlLedger:
    """One push. `now` and `new_id` come from the application's unit of work."""

    session: Session
    now: datetime
    new_id: Callable[[], UUID]
    _filing: Filing | None = None
    _unwritten: set[UUID] = field(default_factory=set)

    def begin(self, device: Device, batch: Batch) -> Opening:
        """Lock the device's row, then read what the batch needs."""
        row = self.session.execute(_LOCK, {"device_id": device.id}).one_or_none()
        if row is None:
            self.session.execute(upsert(sync_device_state).values(device_id=device.id).on_conflict_do_nothing())
            row = self.session.execute(_LOCK, {"device_id": device.id}).one()
        judged = [one for one in batch.received if batch.again or one.op_no > row.high_op_no]
        fresh = [one.op for one in judged if one.op]
        return Opening(
            epoch=row.epoch or current_epoch(self.session),
            high=row.high_op_no,
            filed=self._filed(device, _numbers_of(batch, fresh, row.high_op_no)),
            waiting=self._waiting(device) if judged else {},
            contested=self._contested(device, fresh) if fresh else {},
        )

    def prepare(self, unit: Sequence[Received]) -> None:
        """A savepoint must not take the rows of earlier ops along when it falls: they are written before it."""
        unwritten = self._unwritten | tracker_of(self.session).unwritten()
        if unwritten and (len(unit) > 1 or any(one.op and one.op.rec_id in unwritten for one in unit)):
            self.flush()

    def _write_if_unwritten(self, ops: Iterable[Op]) -> None:
        """Inside a savepoint only its own versions can be unwritten: see `prepare`."""
        unwritten = tracker_of(self.session).unwritten()
        if unwritten and any(op.rec_id in unwritten for op in ops):
            self.flush()

    def _filed(self, device: Device, numbers: set[int]) -> dict[int, Filed]:
        if not numbers:
            return {}
        rows = self.session.execute(_FILED, {"device_id": device.id, "op_no": sorted(numbers)}).all()
        return {
            no: Filed(digest, Result(no, _STATUSES[status], rev) if more is None else read_result(more))
            for no, digest, status, rev, more in rows
        }

    def _waiting(self, device: Device) -> dict[Key, int]:
        rows = self.session.execute(_WAITING, {"device_id": device.id})
        return {(entity, rec_id): op_no for entity, rec_id, op_no in rows}

    def _contested(self, device: Device, ops: Sequence[Op]) -> dict[Key, set[str]]:
        records = {op.rec_id for op in ops}
        contested: dict[Key, set[str]] = {}
        for entity, rec_id, name in self.session.execute(_CONTESTED, {"device_id": device.id, "rec_id": records}):
            contested.setdefault((entity, rec_id), set()).add(name)
        return contested

    @contextmanager
    def authored(self, device: Device, ops: Sequence[Op], clock_error_ms: int) -> Iterator[None]:
        """Versions written inside carry the op and its evidence (P13)."""
        who, where = device.person_id, device.id
        authors = {
            (op.entity, op.rec_id): Author(who, where, op.op_no, self.now, op.device_at, clock_error_ms, op.gps)
            for op in ops
        }
        self.session.flush()  # what waits to be written is not of these ops
        if len(ops) == 1:  # a verb, which may write any record
            with authored(self.session, next(iter(authors.values()))):
                yield
                self.session.flush()  # what the op left to be written is its own
        else:
            with authored(self.session, tracker_of(self.session).author, authors):
                yield

    def versions_after(self, device: Device, wanted: Sequence[tuple[Op, int]]) -> dict[int, list[VersionSeen]]:
        """One query for all, with what this device itself sent in each."""
        self._write_if_unwritten(op for op, _ in wanted)
        asked = _asked([op for op, _ in wanted])
        found: dict[int, list[VersionSeen]] = {}
        with index_lookups(self.session):
            bound = {**asked, "base_rev": [base for _, base in wanted], "device_id": device.id}
            for op_no, rev, prev_rev, patch, own, sent, version in self.session.execute(_VERSIONS, bound).all():
                found.setdefault(op_no, []).append(VersionSeen(rev, prev_rev, patch, own, sent or {}, version))
        return found

    def shared_rev(self, op: Op) -> int:
        """By when this life began: whoever restores a database begins one (W11)."""
        self._write_if_unwritten([op])
        return int(self.session.execute(_SHARED, {"entity": op.entity, "rec_id": op.rec_id}).scalar_one())

    def held_by(self, device: Device, asked: Sequence[Asked]) -> set[int]:
        """One query for all, over the records' entries, the device's subscriptions, and who made them."""
        self._write_if_unwritten(one.op for one in asked)
        bound = {
            **_asked([one.op for one in asked]),
            "at": [one.at for one in asked],
            "base_rev": [one.base_rev for one in asked],
            "device_id": device.id,
        }
        with index_lookups(self.session):
            return set(self.session.scalars(_HELD, bound))

    def contest(self, device: Device, clash: Clash) -> UUID:
        """Insert, or join the open conflict of this device on this field."""
        op = clash.op
        values = {
            "id": self.new_id(),
            "entity": op.entity,
            "rec_id": op.rec_id,
            "field": clash.field,
            "theirs": clash.theirs,
            "mine": clash.mine,
            "device_id": device.id,
            "op_no": op.op_no,
            "theirs_rev": clash.theirs_rev,
            "policy": clash.rule.policy.value,
            "raised_at": self.now,
        }
        # An unknown base is SQL null; a base that was null is JSON null.
        base = {} if clash.base is UNKNOWN else {"base": literal(clash.base, sync_conflict.c.theirs.type)}
        row = sync_conflict.c
        statement = upsert(sync_conflict).values(**values, **base)
        joined = statement.on_conflict_do_update(
            index_elements=[row.rec_id, row.entity, row.field, row.device_id],
            index_where=row.state == "open",
            set_={
                **{name: statement.excluded[name] for name in ("mine", "op_no", "theirs", "theirs_rev")},
                **{"rev": row.rev + 1, "acknowledged_by": None, "acknowledged_at": None},  # nobody has seen this value
            },
        ).returning(row.id)
        return cast(UUID, self.session.execute(joined).scalar_one())

    def declare(self, device: Device, ops: Sequence[Op]) -> None:
        """The manifest: blobs unknown so far, and which slot of which record each belongs to."""
        files = [(op, file, bytes.fromhex(file.sha256)) for op in ops for file in op.files]
        if not files:
            return
        blobs = {
            sha256: {
                "sha256": sha256,
                "size": file.size,
                "mime": file.mime,
                "kind": file.kind,
                "state": "declared",
                "declared_at": self.now,
            }
            for _, file, sha256 in reversed(files)
        }
        refs = [
            {
                "entity": op.entity,
                "rec_id": op.rec_id,
                "slot": file.slot,
                "sha256": sha256,
                "device_id": device.id,
                "op_no": op.op_no,
                "taken_at": op.device_at,
                "gps": op.gps,
            }
            for op, file, sha256 in files
        ]
        # A row that is there is locked too: who removes undeclared files is done with it then, or passes it by.
        lost = upsert(blob).on_conflict_do_update(
            index_elements=[blob.c.sha256],
            set_={"state": "declared", "verified_at": None},
            where=blob.c.state == "lost",
        )
        self.session.execute(lost, [blobs[sha256] for sha256 in sorted(blobs)])
        self.session.execute(upsert(blob_ref).on_conflict_do_nothing(), refs)

    def file(self, device: Device, received: Received, result: Result, clock_error_ms: int) -> None:
        """Kept until the next read or the end of the push, then written in one statement."""
        if received.op:
            self._unwritten.add(received.op.rec_id)
        if self._filing is None:
            self._filing = Filing(device, clock_error_ms, self.now)
        self._filing.add(received, result)

    def flush(self) -> None:
        """Write what the next query has to see."""
        self.session.flush()
        tracker_of(self.session).flush(self.session)
        filing, self._filing = self._filing, None
        self._unwritten.clear()
        if filing is not None:
            file_rows(self.session, filing.rows)

    def close(self, device: Device, batch: Batch, high: int, clock_error_ms: int) -> None:
        """The device's state after the push."""
        self.flush()
        reported = {"report": batch.report, "reported_at": self.now} if batch.report is not None else {}
        self.session.execute(
            update(sync_device_state)
            .where(sync_device_state.c.device_id == device.id)
            .values(
                high_op_no=high,
                schema_version=batch.schema_version,
                clock_error_ms=clock_error_ms,
                sent_at=batch.sent_at,
                monotonic_ms=batch.monotonic_ms,
                last_push_at=self.now,
                **reported,
            )
        )


def _numbers_of(batch: Batch, fresh: Sequence[Op], high: int) -> set[int]:
    replayed = {one.op_no for one in batch.received if one.op_no <= high}
    named = {number for op in fresh for number in op.depends_on if number <= high}
    return replayed | named
