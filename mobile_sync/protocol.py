"""The words of the protocol as values: ops, results, cursors, pages. SPEC.md says what they mean.

Nothing here knows a library; `wire.py` reads and writes them as JSON. What comes by hundreds are tuples:
a frozen dataclass takes ten times as long to make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

MAX_OPS = 500
MAX_FIELDS = 200
MAX_CHANGES = 2_000
DEFAULT_CHANGES = 500
MAX_HASHES = 1_000
MAX_DEPTH = 32
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_INTEGER = 2**53
READING = 2**52  # added to a cursor within a bucket that is being read from the start (L12)
OFFERS = ("snapshot", "incidents")  # what this server takes beyond the first wire (W12)


class Kind(StrEnum):
    """What an op does to its record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Status(StrEnum):
    """What became of an op (P6)."""

    APPLIED = "applied"
    MERGED = "merged"
    NOOP = "noop"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    HELD = "held"
    QUARANTINED = "quarantined"

    @property
    def waits(self) -> bool:
        """Not final: a person or another op has to come first."""
        return self in _WAITING


_WAITING = (Status.HELD, Status.QUARANTINED)  # named once: to name a member takes a call in Python 3.11


class Verb(StrEnum):
    """What the centre did with an op that waited (R)."""

    REPLAYED = "replayed"
    REPAIRED = "repaired"
    REFUSED = "refused"
    RELEASED = "released"


class Outcome(StrEnum):
    """What became of one field (M2)."""

    APPLIED = "applied"
    MERGED = "merged"
    NOOP = "noop"
    KEPT = "kept"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field at fault and the reason, as codes."""

    field: str
    reason: str


class SyncProblem(Exception):
    """A request refused whole: `code` is stable, `status` is HTTP's, `params` fill the words."""

    def __init__(self, code: str, status: int, *errors: FieldError, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.errors = errors
        self.params = params


@dataclass(frozen=True, slots=True)
class Refusal:
    """The problem of one op (W6)."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()


class Rejected(Exception):
    """The application says no to one op; final."""

    def __init__(self, code: str, *errors: FieldError, **params: Any) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, params, errors)


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file an op declares: content hash (64 hex), bytes, type, sort, and its slot in the record."""

    sha256: str
    size: int
    mime: str
    kind: str
    slot: str


class Op(NamedTuple):
    """One change made on a device. `base_rev` is the revision it believed in, of the life `epoch` (None: this one)."""

    op_no: int
    entity: str
    rec_id: UUID
    kind: Kind
    base_rev: int
    fields: Mapping[str, Any]
    device_at: datetime
    schema_version: int
    group_no: int | None = None
    group_size: int | None = None
    depends_on: tuple[int, ...] = ()
    gps: Mapping[str, Any] | None = None
    files: tuple[FileRef, ...] = ()
    epoch: str | None = None


class Received:
    """An op as it came: always numbered. It is read when somebody asks: of one that is known nobody does (P3).

    `body` is its canonical JSON, of which `digest` is the SHA-256 (of what came, where that cannot be kept as it is).
    `group`: (group_no, group_size), there even of a broken op. `read` is called once, or what it would say.
    """

    __slots__ = ("_read", "_told", "body", "digest", "group", "op_no")

    def __init__(
        self,
        op_no: int,
        body: str,
        digest: bytes,
        read: Callable[[], Op | Refusal] | Refusal,
        group: tuple[int, int] | None = None,
    ) -> None:
        self.op_no = op_no
        self.body = body
        self.digest = digest
        self.group = group
        self._read = read
        self._told: Op | Refusal | None = None

    @property
    def op(self) -> Op | None:
        """None when it could not be read."""
        told = self._told or self._open()
        return told if isinstance(told, Op) else None

    @property
    def refusal(self) -> Refusal | None:
        """Why it could not be read."""
        told = self._told or self._open()
        return told if isinstance(told, Refusal) else None

    def _open(self) -> Op | Refusal:
        self._told = told = self._read if isinstance(self._read, Refusal) else self._read()
        return told


@dataclass(frozen=True, slots=True)
class Batch:
    """One push. `again`: its ops are known, and are to be judged once more (R1)."""

    schema_version: int
    sent_at: datetime
    monotonic_ms: int
    received: tuple[Received, ...]
    epoch: str | None = None
    report: Mapping[str, Any] | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """Who is at the door, as the host authenticated it. `person_id` is the actor of what it pushes.

    `vouched`: it is not at the door; somebody at the centre stands for what it sent, and for its scope (R2).
    `wipe`: revoked, and asked to erase itself (E1).
    """

    id: UUID
    person_id: UUID | None = None
    revoked: bool = False
    vouched: bool = False
    wipe: bool = False


@dataclass(frozen=True, slots=True)
class FieldResult:
    """A field that was not plainly written: what was decided and what the server holds now."""

    outcome: Outcome
    value: Any = None
    conflict_id: UUID | None = None


class Said(NamedTuple):
    """What the centre did with an op that waited, when, and why (R5)."""

    verb: Verb
    at: datetime
    reason: str | None = None


class Result(NamedTuple):
    """What became of an op; `centre` where it waited and somebody there dealt with it."""

    op_no: int
    status: Status
    rev: int = 0
    refusal: Refusal | None = None
    fields: Mapping[str, FieldResult] = MappingProxyType({})
    centre: Said | None = None


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """Results in order of op_no and the next number wanted."""

    epoch: str
    server_at: datetime
    expected: int
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket a device has; lower priority comes first."""

    key: str
    priority: int = 1


@dataclass(frozen=True, slots=True)
class Incident:
    """A replica that did not add up (L16). Times are the server's, as the device heard them; sums are 16 hex digits."""

    bucket: str
    found_at: datetime
    expected_rows: int
    expected_checksum: str
    rows: int
    checksum: str
    healed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PullRequest:
    """Where the device stands. `reading`: buckets that it is reading from the start and has not come to the end of."""

    epoch: str | None
    cursors: Mapping[str, int]
    limit: int = DEFAULT_CHANGES
    schema_version: int | None = None
    mismatched: frozenset[str] = frozenset()
    report: Mapping[str, Any] | None = None
    reading: frozenset[str] = frozenset()
    incidents: tuple[Incident, ...] = ()

    @property
    def unsent(self) -> bool:
        """The device says that ops wait on it: it may still speak of records that have left since (T4)."""
        return bool((self.report or {}).get("queued_ops"))


@dataclass(frozen=True, slots=True)
class BucketState:
    """A bucket as of a page: cursor to send next, and what the replica must add up to (None: in motion)."""

    key: str
    priority: int
    seq: int
    more: bool
    reset: bool
    row_count: int | None
    checksum: str | None


class PageChange(NamedTuple):
    """A record in, or gone from, a bucket."""

    bucket: str
    seq: int
    entity: str
    id: UUID
    rev: int
    gone: bool
    doc: Mapping[str, Any] | str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One snapshot's worth of changes. `left`: how many changes come behind it in its stream (L13)."""

    epoch: str
    server_at: datetime
    schema_version: int
    buckets: tuple[BucketState, ...]
    dropped: tuple[str, ...]
    changes: tuple[PageChange, ...]
    left: int | None = None
