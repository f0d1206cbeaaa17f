"""What a server in memory holds: values that are replaced and never changed, so that shallow copies are snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mobile_sync.collection import Stored
from mobile_sync.ledger import Clash, Key
from mobile_sync.protocol import FileRef, Received, Result
from mobile_sync.repair import Word

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version:
    """One revision of a record, by a device's op or by the desk (device None)."""

    rev: int
    patch: Mapping[str, Sequence[Any]]
    device_id: UUID | None
    op_no: int | None
    deleted: bool = False
    life: str = ""
    at: datetime = _LONG_AGO


@dataclass(frozen=True, slots=True)
class Place:
    """A record's entry in a bucket. `dirty`: changed since it was numbered; `seq` 0: never numbered."""

    seq: int
    dirty: bool
    gone: bool
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contest:
    """A value that waits for a person, or what the person said."""

    device_id: UUID
    clash: Clash
    state: str = "open"
    resolved_rev: int | None = None

    @property
    def key(self) -> Key:
        """The record."""
        return (self.clash.op.entity, self.clash.op.rec_id)


@dataclass(frozen=True, slots=True)
class Sending:
    """A file on its way; `content` is what has arrived."""

    sha256: str
    size: int
    device_id: UUID
    expires_at: datetime
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the centre said about an op, what its result was, and what came of it; `done`: that is final."""

    about: tuple[UUID, int]
    word: Word
    before: Result
    after: Result
    done: bool


@dataclass
class State:
    """Everything that a savepoint, or a backup, brings back."""

    records: dict[Key, Stored] = field(default_factory=dict)
    versions: dict[Key, tuple[Version, ...]] = field(default_factory=dict)
    places: dict[str, dict[Key, Place]] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    lows: dict[str, int] = field(default_factory=dict)
    ops: dict[UUID, dict[int, tuple[Received, Result]]] = field(default_factory=dict)
    high: dict[UUID, int] = field(default_factory=dict)
    contests: dict[UUID, Contest] = field(default_factory=dict)
    subscriptions: dict[tuple[UUID, str, datetime], datetime | None] = field(default_factory=dict)
    cursors: dict[UUID, tuple[Mapping[str, int], datetime]] = field(default_factory=dict)  # as asked, and when
    files: dict[tuple[Key, str, str], tuple[UUID, int, FileRef]] = field(default_factory=dict)
    verified: dict[str, bytes] = field(default_factory=dict)
    wanted_at: dict[str, datetime] = field(default_factory=dict)  # when a verified file was sent last
    uploads: dict[UUID, Sending] = field(default_factory=dict)
    clock_errors: dict[UUID, timedelta] = field(default_factory=dict)  # of the last batch
    alarms: tuple[Result, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    filed_with: dict[tuple[UUID, int], timedelta] = field(default_factory=dict)  # the clock error of an op's batch

    def copy(self) -> State:
        """A state that changes on its own."""
        return State(
            records=dict(self.records),
            versions=dict(self.versions),
            places={bucket: dict(places) for bucket, places in self.places.items()},
            ends=dict(self.ends),
            lows=dict(self.lows),
            ops={device_id: dict(ops) for device_id, ops in self.ops.items()},
            high=dict(self.high),
            contests=dict(self.contests),
            subscriptions=dict(self.subscriptions),
            cursors=dict(self.cursors),
            files=dict(self.files),
            verified=dict(self.verified),
            wanted_at=dict(self.wanted_at),
            uploads=dict(self.uploads),
            clock_errors=dict(self.clock_errors),
            alarms=self.alarms,
            spoken=self.spoken,
            filed_with=dict(self.filed_with),
        )
