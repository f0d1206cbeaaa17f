"""JSON in, values out, and back: every refusal names its field (SPEC.md, W)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from mobile_sync.canonical import Writer, canonical, storable, unstorable
from mobile_sync.incidents import read_incidents
from mobile_sync.protocol import (
    DEFAULT_CHANGES,
    MAX_CHANGES,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_INTEGER,
    MAX_OPS,
    READING,
    Batch,
    FieldError,
    FileRef,
    Kind,
    Op,
    PullRequest,
    Received,
    Refusal,
    SyncProblem,
)

MAX_BUCKETS = 1_000
MAX_VERSION = 2**31 - 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Written out: a repeated group takes thrice as long.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_KINDS = {kind.value: kind for kind in Kind}
_REQUIRED = {"op_no", "entity", "rec_id", "kind", "base_rev", "fields", "device_at"}
_PLAIN = frozenset({*_REQUIRED, "gps"})  # what most ops are made of


class _Bad(ValueError):
    """A value that is not what its member must be; the message is the reason code."""


def read_integer(value: Any, least: int = 0) -> int:
    """A JSON integer of at least `least`."""
    if value.__class__ is not int or not least <= value < MAX_INTEGER:
        raise _Bad("not_integer")
    return int(value)


def _version(value: Any) -> int:
    """The number of a shape: as high as ledgers keep it."""
    if read_integer(value, 1) > MAX_VERSION:
        raise _Bad("not_integer")
    return int(value)


def read_time(value: Any) -> datetime:
    """An RFC 3339 time with a zone, as UTC."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _Bad("not_time") from error
    if at.tzinfo is UTC:  # as devices write it
        return at
    if at.tzinfo is None:
        raise _Bad("no_zone")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise _Bad("not_time") from error


def write_time(at: datetime) -> str:
    """RFC 3339, UTC, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_uuid(value: Any) -> UUID:
    """A UUID in lower-case text (W3)."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise _Bad("not_uuid")
    return UUID(value)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _is_name(value):
        raise _Bad("not_name")
    return value


@lru_cache(1_024)
def _is_name(value: str) -> bool:
    return _NAME.fullmatch(value) is not None


def _kind(value: Any) -> Kind:
    kind = _KINDS.get(value) if isinstance(value, str) else None
    if kind is None:
        raise _Bad("not_kind")
    return kind


def _fields(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or len(value) > MAX_FIELDS or not _fit(tuple(value)):
        raise _Bad("not_fields")
    return value


@lru_cache(2_048)
def _fit(names: tuple[str, ...]) -> bool:
    """Whether fields may have these names; devices send the same few sets of them all day."""
    return all(0 < len(name) <= 200 and not name.startswith("$") for name in names)


def _numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > MAX_OPS:
        raise _Bad("not_list")
    return tuple(read_integer(item, 1) for item in value)


_GPS = {"lon": 180.0, "lat": 90.0, "accuracy_m": 1e7}
_GPS_AT = {*_GPS, "at"}


def _gps(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not _GPS.keys() <= value.keys() <= _GPS_AT:
        raise _Bad("not_gps")
    read: dict[str, Any] = {}
    for name, limit in _GPS.items():
        number = value[name]
        if number.__class__ not in _NUMBERS or not -limit <= number <= limit:  # a NaN lies nowhere
            raise _Bad("not_gps")
        read[name] = float(number)
    return read if "at" not in value else {**read, "at": write_time(read_time(value["at"]))}


_NUMBERS = (int, float)


def read_hash(value: Any) -> str:
    """A SHA-256 as 64 lower-case hexadecimal digits."""
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise _Bad("not_sha256")
    return value


def _text(value: Any, longest: int = 100) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise _Bad("not_text")
    return value


def _file(value: Any) -> FileRef:
    if not isinstance(value, dict) or value.keys() != {"sha256", "size", "mime", "kind", "slot"}:
        raise _Bad("not_file")
    return FileRef(
        sha256=read_hash(value["sha256"]),
        size=read_integer(value["size"], 1),
        mime=_text(value["mime"]),
        kind=_name(value["kind"]),
        slot=_text(value["slot"]),
    )


def _files(value: Any) -> tuple[FileRef, ...]:
    if not isinstance(value, list) or len(value) > MAX_FIELDS:
        raise _Bad("not_list")
    return tuple(_file(item) for item in value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "op_no": lambda value: read_integer(value, 1),
    "entity": _name,
    "rec_id": read_uuid,
    "kind": _kind,
    "base_rev": read_integer,
    "fields": _fields,
    "device_at": read_time,
    "schema_version": _version,
    "group_no": lambda value: read_integer(value, 1),
    "group_size": lambda value: read_integer(value, 1),
    "depends_on": _numbers,
    "gps": _gps,
    "files": _files,
    "epoch": _text,
}


def read_op(body: Mapping[str, Any], schema_version: int) -> Op | Refusal:
    """An op, or the refusal that says which of its members is at fault (P10)."""
    try:
        told = body if None not in body.values() else {name: one for name, one in body.items() if one is not None}
        plain = told.keys() <= _PLAIN
        more = {} if plain else {name: _READERS[name](told[name]) for name in told.keys() - _PLAIN}
        op = Op(
            read_integer(told["op_no"], 1),
            _name(told["entity"]),
            read_uuid(told["rec_id"]),
            _kind(told["kind"]),
            read_integer(told["base_rev"]),
            _fields(told["fields"]),
            read_time(told["device_at"]),
            more.pop("schema_version", schema_version),
            gps=_gps(told["gps"]) if "gps" in told else None,
            **more,
        )
    except (KeyError, TypeError, _Bad):  # an unknown member, one missing, one that is not what it must be
        return _refusal_of(body)
    return _consistent(op) if more else op


def _refusal_of(body: Mapping[str, Any]) -> Refusal:
    errors = [FieldError(name, "missing") for name in _REQUIRED if name not in body]
    for name, value in body.items():
        if value is None and name not in _REQUIRED:
            continue
        reader = _READERS.get(name)
        if reader is None:
            errors.append(FieldError(str(name)[:80], "unknown_field"))
            continue
        try:
            reader(value)
        except _Bad as error:
            errors.append(FieldError(name, str(error)))
    return Refusal("malformed", {}, tuple(sorted(errors, key=lambda error: error.field)))


def _consistent(op: Op) -> Op | Refusal:
    """What one member says about another: groups name their span, dependencies look back (P9, P12)."""
    if (op.group_no is None) != (op.group_size is None):
        return Refusal("malformed", {}, (FieldError("group_size", "missing"),))
    if op.group_no is not None and not op.group_no <= op.op_no < op.group_no + (op.group_size or 0):
        return Refusal("malformed", {}, (FieldError("group_no", "not_in_group"),))
    if any(number >= op.op_no for number in op.depends_on):
        return Refusal("malformed", {}, (FieldError("depends_on", "not_earlier"),))
    return op


def _shallow(body: Mapping[str, Any], write: Writer) -> str:
    """The op as one text; its depth is measured only where it has brackets enough for being too deep."""
    try:
        text = write(body)
    except RecursionError as error:
        raise _too_deep() from error
    inside = MAX_DEPTH - 2  # the batch and its list are two
    if text.count("{") + text.count("[") > inside and depth_of(body) > inside:
        raise _too_deep()
    return text


def _too_deep() -> SyncProblem:
    return SyncProblem("too_deep", 422, FieldError("ops", "too_deep"), most=MAX_DEPTH)


def _group_of(body: Mapping[str, Any]) -> tuple[int, int] | None:
    number, size = body.get("group_no"), body.get("group_size")
    whole = isinstance(number, int) and isinstance(size, int) and not isinstance(number, bool)
    return (number, size) if whole and number and size and size > 1 else None


def receive(body: Any, schema_version: int, write: Writer = canonical) -> Received:
    """One member of `ops`; `write` makes the text that is kept of it.

    Raises:
        SyncProblem: `malformed_op`: it has no number to file it under. `too_deep`.
    """
    try:
        op_no = read_integer(body["op_no"] if isinstance(body, dict) else None, 1)
    except (_Bad, KeyError) as error:
        raise SyncProblem("malformed_op", 422, FieldError("ops", "no_op_no")) from error
    text = _shallow(body, write)
    digest = hashlib.sha256(text.encode()).digest()
    group = _group_of(body) if "group_no" in body else None
    if unstorable(body, text, write):
        refusal = Refusal("malformed", {}, (FieldError("fields", "not_storable"),))
        return Received(op_no, write(storable(body)), digest, refusal, group)
    return Received(op_no, text, digest, partial(read_op, body, schema_version), group)


def depth_of(value: Any, limit: int = MAX_DEPTH) -> int:
    """Nesting depth, counted without recursion and no further than `limit` + 1."""
    depth, level = 0, _nested([value])
    while level and depth <= limit:
        depth += 1
        level = _nested(inner for item in level for inner in (item.values() if isinstance(item, dict) else item))
    return depth


def _nested(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value.__class__ is dict or value.__class__ is list]


def read_batch(body: Mapping[str, Any], write: Writer = canonical) -> Batch:
    """A push; `write` makes the texts that are kept of its ops.

    Raises:
        SyncProblem: `malformed_op`, `duplicate_op_no`, `too_many_ops`, `too_deep` or `malformed`.
    """
    ops = body.get("ops")
    if not isinstance(ops, list) or len(ops) > MAX_OPS:
        raise SyncProblem("too_many_ops", 422, FieldError("ops", "too_many"), most=MAX_OPS)
    if depth_of({**body, "ops": None}) > MAX_DEPTH:
        raise _too_deep()
    envelope = _envelope(body, {"schema_version": _version, "sent_at": read_time, "monotonic_ms": read_integer})
    version = envelope["schema_version"]
    received = sorted((receive(op, version, write) for op in ops), key=lambda one: one.op_no)
    if len({one.op_no for one in received}) != len(received):
        raise SyncProblem("duplicate_op_no", 422, FieldError("ops", "duplicate_op_no"))
    return Batch(**envelope, received=tuple(received), epoch=body.get("epoch"), report=body.get("report"))


def _envelope(body: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    read, errors = {}, []
    for name, reader in readers.items():
        try:
            read[name] = reader(body.get(name))
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise SyncProblem("malformed", 422, *errors)
    return read


def read_pull(body: Mapping[str, Any]) -> PullRequest:
    """Where a device stands. A cursor that is no position is 0 (L10).

    Raises:
        SyncProblem: `malformed`.
    """
    envelope = _envelope(
        {"cursors": {}, "limit": DEFAULT_CHANGES, "mismatched": [], "incidents": [], **body},
        {
            "cursors": _cursors,
            "limit": lambda value: min(read_integer(value, 1), MAX_CHANGES),
            "mismatched": _keys,
            "incidents": lambda value: read_incidents(value, read_integer, read_time),
        },
    )
    sent = envelope.pop("cursors")
    return PullRequest(
        epoch=body.get("epoch"),
        cursors={key: seq - READING if seq >= READING else seq for key, seq in sent.items()},
        schema_version=body.get("schema_version"),
        report=body.get("report"),
        reading=frozenset(key for key, seq in sent.items() if seq >= READING),
        **envelope,
    )


def _cursors(value: Any) -> Mapping[str, int]:
    if not isinstance(value, dict) or len(value) > MAX_BUCKETS:
        raise _Bad("not_cursors")
    return {key: _position(seq) for key, seq in value.items()}


def _position(seq: Any) -> int:
    whole = isinstance(seq, int) and not isinstance(seq, bool)
    return seq if whole and 0 <= seq < MAX_INTEGER else -1


def _keys(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise _Bad("not_list")
    return frozenset(value)
