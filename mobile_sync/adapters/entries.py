"""Set-based writes behind the tracker: versions, and bucket entries marked dirty (SPEC.md L2, S2, T1)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from mobile_sync.adapters import binary, texts
from mobile_sync.adapters.bulk import Packed, copy_binary

if TYPE_CHECKING:
    from mobile_sync.adapters.tracking import Mark, Version

_VERSION = (
    *("entity", "rec_id", "rev", "prev_rev", "patch", "deleted", "actor", "device_id", "op_no", "server_at"),
    *("device_at", "device_clock_error_ms", "gps"),
)
_REVS = Struct(">iqiq").pack
_KEYED = (bindparam("entity", type_=Packed("text")), bindparam("rec_id", type_=Packed("uuid")))

# A writer's update must never be skipped because the entry is dirty already: the row lock is what keeps a stamper from
# clearing the mark before this transaction's change is visible. For the same reason no ctid here: a stamp moves the
# row.
_MARK = text(
    """
    UPDATE sync_entry s SET dirty = true FROM unnest(:entity, :rec_id) AS m(entity, rec_id)
    WHERE s.rec_id = m.rec_id AND s.entity = m.entity AND NOT s.gone
    """
).bindparams(*_KEYED)

_LEAVE = text(
    """
    UPDATE sync_entry s SET dirty = true, gone = true, gone_at = coalesce(m.at, now())
    FROM unnest(:entity, :rec_id, :kept, :at) AS m(entity, rec_id, kept, at)
    WHERE s.rec_id = m.rec_id AND s.entity = m.entity AND NOT s.gone AND s.bucket_id <> ALL (m.kept::bigint[])
    """
).bindparams(*_KEYED, bindparam("kept", type_=Packed("text")), bindparam("at", type_=Packed("timestamptz")))

_ENTER = text(
    """
    INSERT INTO sync_entry (bucket_id, entity, rec_id)
    SELECT bucket_id, entity, rec_id FROM unnest(:bucket_id, :entity, :rec_id) AS m(bucket_id, entity, rec_id)
    ON CONFLICT (bucket_id, entity, rec_id) DO UPDATE SET dirty = true, gone = false, gone_at = NULL
    """
).bindparams(bindparam("bucket_id", type_=Packed("bigint")), *_KEYED)

_FIND_BUCKETS = text("SELECT key, id FROM sync_bucket WHERE key = ANY(:key)").bindparams(
    bindparam("key", type_=ARRAY(Text))
)
_MAKE_BUCKETS = text(
    "INSERT INTO sync_bucket (key) SELECT k FROM unnest(:key) AS k ON CONFLICT (key) DO NOTHING"
).bindparams(bindparam("key", type_=ARRAY(Text)))

# Measured: on fresh, never-analysed tables the planner believes that a record id matches a two-hundredth of all
# entries and hashes the whole table for a handful of rows. These statements only ever want index lookups.
_ORDERED = text("SELECT set_config('enable_bitmapscan', :any, true), set_config('enable_sort', :any, true)")
_PLAN_AFRESH = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
_INDEX_ONLY = text(
    """
    SELECT set_config('enable_seqscan', :any, true), set_config('enable_hashjoin', :any, true),
           set_config('enable_mergejoin', :any, true), set_config('enable_material', :any, true),
           set_config('plan_cache_mode', :cache, true)
    """
)


@contextmanager
def index_lookups(session: Session) -> Iterator[None]:
    """Plans inside look rows up by index, whatever the statistics say."""
    session.execute(_INDEX_ONLY, {"any": "off", "cache": "force_custom_plan"})
    yield
    session.execute(_INDEX_ONLY, {"any": "on", "cache": "auto"})


def plan_afresh(session: Session) -> None:
    """No plan made when the tables were small is used in the rest of this transaction; for short, reading ones."""
    session.execute(_PLAN_AFRESH)


@contextmanager
def ordered_reads(session: Session) -> Iterator[None]:
    """Plans inside walk an index in its order instead of collecting and sorting what they believe to be few rows."""
    session.execute(_ORDERED, {"any": "off"})
    yield
    session.execute(_ORDERED, {"any": "on"})


def write_versions(session: Session, versions: Sequence[Version]) -> None:
    """One statement for all versions."""
    now = None
    if any(one.author.at is None for one in versions):
        now = session.scalar(text("SELECT now()"))
    copy_binary(session, "record_version", _VERSION, list(_version_rows(versions, now)))


def _version_rows(versions: Sequence[Version], now: datetime | None) -> Iterator[bytes]:
    head, server_time = binary.row_head(len(_VERSION)), lru_cache(8)(binary.moment)
    for entity, rec_id, rev, prev_rev, patch, deleted, author in versions:
        actor, device_id, op_no, at, device_at, clock_error_ms, gps = author
        cells = (
            head,
            binary.word(entity),
            binary.uuid(rec_id),
            _REVS(8, rev, 8, prev_rev),
            binary.text(patch),
            binary.TRUE if deleted else binary.FALSE,
            binary.uuid(actor),
            binary.uuid(device_id),
            binary.bigint(op_no),
            server_time(at or now),
            binary.moment(device_at),
            binary.bigint(clock_error_ms),
            binary.NULL if gps is None else binary.jsonb(texts.write(gps)),
        )
        yield b"".join(cells)


def write_entries(session: Session, marks: Sequence[Mark]) -> None:
    """Leave old buckets, enter new ones, mark the rest: a fixed number of statements however many records."""
    exits, entered, marked = _folded(marks)
    ids = bucket_ids(session, {key for keys in entered.values() for key in keys})
    looked_up = index_lookups(session) if exits or marked else nullcontext()  # to enter nothing is looked up
    with looked_up:
        if exits:
            session.execute(_LEAVE, _leaving(exits, entered, ids))
        if ids:
            session.execute(_ENTER, _entering(entered, ids))
        if marked:
            session.execute(_MARK, _columns(sorted(marked, key=_by_id), "entity", "rec_id"))


def bucket_ids(session: Session, keys: Collection[str]) -> dict[str, int]:
    """Buckets by key; they come into being when first named."""
    wanted = {"key": sorted(keys)}
    if not keys:
        return {}
    found: dict[str, int] = dict(session.execute(_FIND_BUCKETS, wanted).all())
    if len(found) < len(keys):
        session.execute(_MAKE_BUCKETS, {"key": sorted(set(keys) - found.keys())})
        found = dict(session.execute(_FIND_BUCKETS, wanted).all())
    return found


Record = tuple[str, UUID]
Exits = dict[Record, datetime | None]
Entered = dict[Record, frozenset[str]]


def _folded(marks: Sequence[Mark]) -> tuple[Exits, Entered, set[Record]]:
    """The last exact word on a record counts; buckets entered later are added to it."""
    exits: Exits = {}
    entered: Entered = {}
    marked: set[Record] = set()
    fresh: set[Record] = set()
    for entity, rec_id, buckets, exact, at, new in marks:
        record = (entity, rec_id)
        if new:
            fresh.add(record)
        if exact:
            entered[record] = buckets or frozenset()
            if not (new or record in fresh):
                exits[record] = at
        elif buckets is not None:
            entered[record] = entered.get(record, frozenset()) | buckets
        else:
            marked.add(record)
    return exits, entered, marked


def _by_id(record: Record) -> tuple[str, int]:
    return record[0], record[1].int


def _leaving(exits: Exits, entered: Entered, ids: Mapping[str, int]) -> dict[str, Any]:
    def kept(record: Record) -> str:
        return "{" + ",".join(str(ids[key]) for key in sorted(entered[record])) + "}"

    rows = [(*record, kept(record), exits[record]) for record in sorted(exits, key=_by_id)]
    return _columns(rows, "entity", "rec_id", "kept", "at")


def _entering(entered: Entered, ids: Mapping[str, int]) -> dict[str, Any]:
    ordered = sorted(entered.items(), key=lambda one: _by_id(one[0]))
    rows = [(ids[key], *record) for record, keys in ordered for key in sorted(keys)]
    return _columns(rows, "bucket_id", "entity", "rec_id")


def _columns(rows: Sequence[tuple[Any, ...]], *names: str) -> dict[str, Any]:
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}
