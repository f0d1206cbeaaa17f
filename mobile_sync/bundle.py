"""The sealed bundle as bytes: what stands where, without the cryptography (SPEC.md V1, V2). Standard library only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from mobile_sync.protocol import FieldError, SyncProblem
from mobile_sync.wire import read_hash, read_integer, read_time, read_uuid

MAGIC = b"MSBNDL1\n"
FORMAT = 1
MIME = "application/vnd.mobile-sync.bundle"
CHUNK_BYTES = 256 * 1024
TAG_BYTES = 16
SIGNATURE_BYTES = 64
MOST_HEADER_BYTES = 1024 * 1024
MOST_OPS_BYTES = 32 * 1024 * 1024
MOST_FILES = 2_000
_MEMBERS = {
    *("format", "device_id", "person_id", "epoch", "schema_version", "created_at"),
    *("first_op", "last_op", "ops", "files", "to", "key"),
}
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file of a bundle. `size` in bytes."""

    sha256: str
    size: int
    mime: str
    kind: str


@dataclass(frozen=True, slots=True)
class Header:
    """What a bundle says of itself in the clear. `ops_size` and `ops_sha256` are of the ops before sealing."""

    device_id: str
    person_id: str | None
    epoch: str | None
    schema_version: int
    created_at: str
    first_op: int
    last_op: int
    ops_count: int
    ops_size: int
    ops_sha256: str
    files: tuple[BundleFile, ...]
    to: str
    key: Mapping[str, str]

    def written(self) -> bytes:
        """As it stands in the bundle."""
        body = {
            "format": FORMAT,
            "device_id": self.device_id,
            "person_id": self.person_id,
            "epoch": self.epoch,
            "schema_version": self.schema_version,
            "created_at": self.created_at,
            "first_op": self.first_op,
            "last_op": self.last_op,
            "ops": {"count": self.ops_count, "size": self.ops_size, "sha256": self.ops_sha256},
            "files": [
                {"sha256": one.sha256, "size": one.size, "mime": one.mime, "kind": one.kind} for one in self.files
            ],
            "to": self.to,
            "key": dict(self.key),
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def part_sizes(self) -> Sequence[int]:
        """Bytes of each part before sealing: the ops, then the files."""
        return [self.ops_size, *(one.size for one in self.files)]


def opening(header: bytes) -> bytes:
    """What the device signs, and what stands before its signature."""
    return MAGIC + len(header).to_bytes(4, "big") + header


def nonce_of(part: int, chunk: int, *, last: bool) -> bytes:
    """12 bytes, never the same twice under one key; the mark of the last chunk makes a shortened part no part."""
    return part.to_bytes(4, "big") + chunk.to_bytes(7, "big") + bytes([last])


def chunks_of(size: int) -> Iterator[tuple[int, int, bool]]:
    """(number, bytes, whether it is the last) of each chunk of a part."""
    count = max(1, -(-size // CHUNK_BYTES))
    for number in range(count):
        last = number == count - 1
        yield number, size - number * CHUNK_BYTES if last else CHUNK_BYTES, last


def read_exactly(source: BinaryIO, size: int) -> bytes:
    """The next bytes.

    Raises:
        SyncProblem: `bundle_truncated`.
    """
    pieces = []
    while size > 0:
        piece = source.read(size)
        if not piece:
            raise SyncProblem("bundle_truncated", 422)
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class Opening:
    """The head of a bundle, read and not yet believed: `signed` are the bytes that `signature` is over."""

    header: Header
    signed: bytes
    signature: bytes


def read_opening(source: BinaryIO) -> Opening:
    """The head of a bundle.

    Raises:
        SyncProblem: `not_a_bundle`, `bundle_format`, `bundle_truncated`.
    """
    magic = source.read(len(MAGIC))
    if magic != MAGIC:
        raise SyncProblem("bundle_truncated" if MAGIC.startswith(magic) and magic else "not_a_bundle", 422)
    length = read_exactly(source, 4)
    size = int.from_bytes(length, "big")
    if size > MOST_HEADER_BYTES:
        raise SyncProblem("not_a_bundle", 422)
    raw = read_exactly(source, size)
    return Opening(_read_header(raw), MAGIC + length + raw, read_exactly(source, SIGNATURE_BYTES))


def _read_header(raw: bytes) -> Header:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SyncProblem("not_a_bundle", 422) from error
    if not isinstance(body, dict):
        raise SyncProblem("not_a_bundle", 422)
    if body.get("format") != FORMAT:
        raise SyncProblem("bundle_format", 422, format=_told(body.get("format")))
    try:
        return _header_of(body)
    except (ValueError, TypeError, KeyError) as error:
        raise SyncProblem("not_a_bundle", 422, FieldError("header", "invalid")) from error


def _told(value: Any) -> Any:
    return value if isinstance(value, int) else None


def _header_of(body: Mapping[str, Any]) -> Header:
    if body.keys() != _MEMBERS:
        raise ValueError("members")
    ops, files = body["ops"], body["files"]
    read_time(body["created_at"])
    header = Header(
        device_id=str(read_uuid(body["device_id"])),
        person_id=None if body["person_id"] is None else str(read_uuid(body["person_id"])),
        epoch=None if body["epoch"] is None else _text(body["epoch"]),
        schema_version=read_integer(body["schema_version"], 1),
        created_at=body["created_at"],
        first_op=read_integer(body["first_op"]),
        last_op=read_integer(body["last_op"]),
        ops_count=read_integer(ops["count"]),
        ops_size=read_integer(ops["size"], 2),
        ops_sha256=read_hash(ops["sha256"]),
        files=tuple(_file_of(one) for one in files),
        to=_text(body["to"]),
        key=_key_of(body["key"]),
    )
    none = header.ops_count == header.first_op == header.last_op == 0
    if not none and (header.first_op < 1 or header.last_op - header.first_op + 1 != header.ops_count):
        raise ValueError("ops")
    if header.ops_size > MOST_OPS_BYTES or len(header.files) > MOST_FILES:
        raise ValueError("too large")
    return header


def _file_of(told: Mapping[str, Any]) -> BundleFile:
    return BundleFile(
        read_hash(told["sha256"]), read_integer(told["size"], 1), _text(told["mime"]), _text(told["kind"])
    )


def _key_of(told: Mapping[str, Any]) -> Mapping[str, str]:
    if told.keys() != {"kty", "crv", "x", "y"} or (told["kty"], told["crv"]) != ("EC", "P-256"):
        raise ValueError("key")
    if not (_COORDINATE.fullmatch(told["x"]) and _COORDINATE.fullmatch(told["y"])):
        raise ValueError("key")
    return {"kty": "EC", "crv": "P-256", "x": told["x"], "y": told["y"]}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise ValueError("text")
    return value
