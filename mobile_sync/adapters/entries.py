"""Set-based writes behind the tracker: versions, and bucket entries marked dirty (SPEC.md L2, S2, T1)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Boolean, DateTime, Text, Uuid

if TYPE_CHECKING:
    from mobile_sync.adapters.tracking import Mark, Version

_WRITE_VERSIONS = text(
    """
    INSERT INTO record_version (entity, rec_id, rev, prev_rev, patch, deleted, actor, device_id, op_no, server_at,
                                device_at, device_clock_error_ms, gps)
    SELECT entity, rec_id, rev, prev_rev, patch::jsonb, deleted, actor, device_id, op_no, coalesce(at, now()),
           device_at, clock_error_ms, gps::jsonb
    FROM unnest(:entity, :rec_id, :rev, :prev_rev, :patch, :deleted, :actor, :device_id, :op_no, :at, :device_at,
                :clock_error_ms, :gps)
      AS v(entity, rec_id, rev, prev_rev, patch, deleted, actor, device_id, op_no, at, device_at, clock_error_ms, gps)
    """
).bindparams(
    *(bindparam(name, type_=ARRAY(Text)) for name in ("entity", "patch", "gps")),
    *(bindparam(name, type_=ARRAY(Uuid)) for name in ("rec_id", "actor", "device_id")),
    *(bindparam(name, type_=ARRAY(BigInteger)) for name in ("rev", "prev_rev", "op_no", "clock_error_ms")),
    *(bindparam(name, type_=ARRAY(DateTime(timezone=True))) for name in ("at", "device_at")),
    bindparam("deleted", type_=ARRAY(Boolean)),
)

_KEYED = (bindparam("entity", type_=ARRAY(Text)), bindparam("rec_id", type_=ARRAY(Uuid)))

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
).bindparams(*_KEYED, bindparam("kept", type_=ARRAY(Text)), bindparam("at", type_=ARRAY(DateTime(timezone=True))))

_ENTER = text(
    """
    INSERT INTO sync_entry (bucket_id, entity, rec_id)
    SELECT bucket_id, entity, rec_id FROM unnest(:bucket_id, :entity, :rec_id) AS m(bucket_id, entity, rec_id)
    ON CONFLICT (bucket_id, entity, rec_id) DO UPDATE SET dirty = true, gone = false, gone_at = NULL
    """
).bindparams(bindparam("bucket_id", type_=ARRAY(BigInteger)), *_KEYED)

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
    SELECT set_config('enable_seqscan', :seqscan, true), set_config('enable_hashjoin', :join, true),
           set_config('enable_mergejoin', :join, true), set_config('plan_cache_mode', :cache, true)
    """
)


@contextmanager
def index_lookups(session: Session) -> Iterator[None]:
    """Plans inside look rows up by index, whatever the statistics say."""
    session.execute(_INDEX_ONLY, {"seqscan": "off", "join": "off", "cache": "force_custom_plan"})
    yield
    session.execute(_INDEX_ONLY, {"seqscan": "on", "join": "on", "cache": "auto"})


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
    session.execute(
        _WRITE_VERSIONS,
        {
            **{name: [getattr(one, name) for one in versions] for name in _OF_VERSION},
            **{name: [getattr(one.author, name) for one in versions] for name in _OF_AUTHOR},
            "gps": [None if one.author.gps is None else json.dumps(one.author.gps) for one in versions],
        },
    )


_OF_VERSION = ("entity", "rec_id", "rev", "prev_rev", "patch", "deleted")
_OF_AUTHOR = ("actor", "device_id", "op_no", "at", "device_at", "clock_error_ms")


def write_entries(session: Session, marks: Sequence[Mark]) -> None:
    """Leave old buckets, enter new ones, mark the rest: a fixed number of statements however many records."""
    exact, entered, marked = _folded(marks)
    ids = bucket_ids(session, {key for keys in entered.values() for key in keys})
    with index_lookups(session):
        if exact:
            session.execute(_LEAVE, _leaving(exact, entered, ids))
        if ids:
            session.execute(_ENTER, _entering(entered, ids))
        if marked:
            session.execute(_MARK, _columns(sorted(marked), "entity", "rec_id"))


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


def _folded(marks: Sequence[Mark]) -> tuple[Exits, dict[Record, set[str]], set[Record]]:
    """The last exact word on a record counts; buckets entered later are added to it."""
    exact: dict[Record, datetime | None] = {}
    entered: dict[Record, set[str]] = {}
    marked: set[Record] = set()
    for mark in marks:
        record = (mark.entity, mark.rec_id)
        if mark.exact:
            exact[record] = mark.at
            entered[record] = set(mark.buckets or ())
        elif mark.buckets is not None:
            entered.setdefault(record, set()).update(mark.buckets)
        else:
            marked.add(record)
    return exact, entered, marked


def _leaving(exact: Exits, entered: Mapping[Record, set[str]], ids: Mapping[str, int]) -> dict[str, Any]:
    def kept(record: Record) -> str:
        return "{" + ",".join(str(ids[key]) for key in sorted(entered[record])) + "}"

    return _columns(
        [(*record, kept(record), exact[record]) for record in sorted(exact)], "entity", "rec_id", "kept", "at"
    )


def _entering(entered: Mapping[Record, set[str]], ids: Mapping[str, int]) -> dict[str, Any]:
    rows = [(ids[key], *record) for record in sorted(entered) for key in sorted(entered[record])]
    return _columns(rows, "bucket_id", "entity", "rec_id")


def _columns(rows: Sequence[tuple[Any, ...]], *names: str) -> dict[str, Any]:
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}
