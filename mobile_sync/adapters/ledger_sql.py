"""The ledger in PostgreSQL, inside any SQLAlchemy session's transaction (SPEC.md P2, P3, M3, M6, S5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import and_, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from mobile_sync.adapters.entries import index_lookups
from mobile_sync.adapters.epochs import current_epoch
from mobile_sync.adapters.filing import file_rows, row_of
from mobile_sync.adapters.tables import (
    blob,
    blob_ref,
    record_version,
    sync_conflict,
    sync_device_state,
    sync_entry,
    sync_op,
    sync_subscription,
)
from mobile_sync.adapters.tracking import Author, authored, tracker_of
from mobile_sync.beliefs import Shape, VersionSeen, believed_from
from mobile_sync.ledger import Clash, Filed, Key, Opening
from mobile_sync.merge import UNKNOWN, Believed
from mobile_sync.protocol import Batch, Device, Op, Received, Result
from mobile_sync.results import read_result

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


@dataclass
class SqlLedger:
    """One push. `now` and `new_id` come from the application's unit of work."""

    session: Session
    now: datetime
    new_id: Callable[[], UUID]
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _unwritten: set[UUID] = field(default_factory=set)

    def begin(self, device: Device, batch: Batch) -> Opening:
        """Lock the device's row, then read what the batch needs."""
        row = sync_device_state.c
        self.session.execute(upsert(sync_device_state).values(device_id=device.id).on_conflict_do_nothing())
        high = self.session.execute(
            select(row.high_op_no).where(row.device_id == device.id).with_for_update()
        ).scalar_one()
        filed = self._filed(device, _numbers_of(batch, high))
        keys = {(one.op.entity, one.op.rec_id) for one in batch.received if one.op}
        return Opening(
            epoch=current_epoch(self.session),
            high=high,
            filed=filed,
            waiting=self._waiting(device),
            contested=self._contested(device, batch),
            held=self._held_now(device, {rec_id for _, rec_id in keys}),
        )

    def _held_now(self, device: Device, records: set[UUID]) -> set[Key]:
        entry, sub = sync_entry.c, sync_subscription.c
        mine = select(sub.bucket_id).where(sub.device_id == device.id, sub.until.is_(None))
        query = select(entry.entity, entry.rec_id).where(
            entry.rec_id.in_(records), entry.gone.is_(False), entry.bucket_id.in_(mine)
        )
        with index_lookups(self.session):
            return {(entity, rec_id) for entity, rec_id in self.session.execute(query)}

    def prepare(self, unit: Sequence[Received]) -> None:
        """A savepoint must not take the rows of earlier ops along when it falls: they are written before it."""
        unwritten = self._unwritten | tracker_of(self.session).unwritten
        if len(unit) > 1 or any(one.op and one.op.rec_id in unwritten for one in unit):
            self.flush()

    def _write_if_unwritten(self, rec_id: UUID) -> None:
        """Inside a savepoint only a group's own versions can be unwritten: see `prepare`."""
        if rec_id in tracker_of(self.session).unwritten:
            self.flush()

    def _filed(self, device: Device, numbers: set[int]) -> dict[int, Filed]:
        if not numbers:
            return {}
        row = sync_op.c
        query = select(row.op_no, row.digest, row.result).where(row.device_id == device.id, row.op_no.in_(numbers))
        return {no: Filed(digest, read_result(result)) for no, digest, result in self.session.execute(query)}

    def _waiting(self, device: Device) -> dict[Key, int]:
        row = sync_op.c
        query = (
            select(row.entity, row.rec_id, row.op_no)
            .where(row.device_id == device.id, row.status.in_(("held", "quarantined")), row.rec_id.is_not(None))
            .order_by(row.op_no.desc())
        )
        return {(entity, rec_id): op_no for entity, rec_id, op_no in self.session.execute(query)}

    def _contested(self, device: Device, batch: Batch) -> dict[Key, set[str]]:
        row = sync_conflict.c
        records = {one.op.rec_id for one in batch.received if one.op}
        query = select(row.entity, row.rec_id, row.field).where(
            row.rec_id.in_(records), row.device_id == device.id, row.state == "open"
        )
        contested: dict[Key, set[str]] = {}
        for entity, rec_id, name in self.session.execute(query):
            contested.setdefault((entity, rec_id), set()).add(name)
        return contested

    @contextmanager
    def authored(self, device: Device, op: Op, clock_error_ms: int) -> Iterator[None]:
        """Versions written inside carry the op and its evidence (P13)."""
        author = Author(device.person_id, device.id, op.op_no, self.now, op.device_at, clock_error_ms, op.gps)
        self.session.flush()  # what waits to be written is not this op's
        with authored(self.session, author):
            yield
            self.session.flush()  # what the op left to be written is

    def believed(self, device: Device, op: Op, *, base_rev: int, contested: frozenset[str], shape: Shape) -> Believed:
        """Read the versions after `base_rev` with what this device itself sent in them."""
        self._write_if_unwritten(op.rec_id)
        version, sent = record_version.c, sync_op.c
        query = (
            select(
                *(version.rev, version.prev_rev, version.patch, version.device_id),
                *(sent.body["fields"].label("sent"), func.coalesce(sent.schema_version, 0).label("sent_version")),
            )
            .outerjoin_from(
                record_version,
                sync_op,
                and_(sent.device_id == device.id, version.device_id == device.id, sent.op_no == version.op_no),
            )
            .where(version.entity == op.entity, version.rec_id == op.rec_id, version.rev > base_rev)
            .order_by(version.rev)
        )
        rows = self.session.execute(query)
        seen = [
            VersionSeen(row.rev, row.prev_rev, row.patch, row.device_id == device.id, row.sent or {}, row.sent_version)
            for row in rows
        ]
        return believed_from(seen, base_rev, contested, shape)

    def held_by(self, device: Device, op: Op, at: datetime) -> bool:
        """One query over the record's entries and the device's subscriptions."""
        self._write_if_unwritten(op.rec_id)
        entry, sub, version = sync_entry.c, sync_subscription.c, record_version.c
        now_or_then = or_(
            and_(entry.gone.is_(False), sub.until.is_(None)),
            and_(
                sub.since <= at,
                or_(sub.until.is_(None), sub.until >= at),
                or_(entry.gone_at.is_(None), entry.gone_at >= at),
            ),
        )
        held = exists().where(
            entry.rec_id == op.rec_id,
            entry.entity == op.entity,
            sub.bucket_id == entry.bucket_id,
            sub.device_id == device.id,
            now_or_then,
        )
        made = exists().where(
            version.entity == op.entity,
            version.rec_id == op.rec_id,
            version.prev_rev == 0,
            version.device_id == device.id,
        )
        with index_lookups(self.session):
            return bool(self.session.scalar(select(or_(held, made))))

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
            set_={name: statement.excluded[name] for name in ("mine", "op_no", "theirs", "theirs_rev")},
        ).returning(row.id)
        return cast(UUID, self.session.execute(joined).scalar_one())

    def declare(self, device: Device, op: Op) -> None:
        """The manifest: blobs unknown so far, and which slot of the record each belongs to."""
        hashes = [bytes.fromhex(file.sha256) for file in op.files]
        self.session.execute(
            upsert(blob).on_conflict_do_nothing(),
            [
                {
                    "sha256": sha256,
                    "size": file.size,
                    "mime": file.mime,
                    "kind": file.kind,
                    "state": "declared",
                    "declared_at": self.now,
                }
                for sha256, file in sorted(zip(hashes, op.files, strict=True), key=lambda pair: pair[0])
            ],
        )
        self.session.execute(
            upsert(blob_ref).on_conflict_do_nothing(),
            [
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
                for sha256, file in zip(hashes, op.files, strict=True)
            ],
        )

    def file(self, device: Device, received: Received, result: Result, clock_error_ms: int) -> None:
        """Kept until the next read or the end of the push, then written in one statement."""
        if received.op:
            self._unwritten.add(received.op.rec_id)
        self._rows.append(row_of(device, received, result, clock_error_ms, self.now))

    def flush(self) -> None:
        """Write what the next query has to see."""
        self.session.flush()
        tracker_of(self.session).flush(self.session)
        rows, self._rows = self._rows, []
        self._unwritten.clear()
        if rows:
            file_rows(self.session, rows)

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


def _numbers_of(batch: Batch, high: int) -> set[int]:
    replayed = {one.op_no for one in batch.received if one.op_no <= high}
    named = {number for one in batch.received if one.op for number in one.op.depends_on if number <= high}
    return replayed | named
