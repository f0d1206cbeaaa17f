"""What a device has that the server may not have, as a bundle tells it, pure (SPEC.md V1, V11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mobile_sync.bundle import BundleFile, Header
from mobile_sync.kept import Kept
from mobile_sync.outbox import Stage
from mobile_sync.settling import numbered_in


def unsent_ops(kept: Kept) -> list[Mapping[str, Any]]:
    """The pending ops whose numbers follow on each other from the lowest on (V1)."""
    ops = [entry.op for entry in kept.outbox.entries if entry.stage is Stage.PENDING]
    return [op for at, op in enumerate(ops) if op["op_no"] == ops[0]["op_no"] + at]


def unsent_files(kept: Kept, most_bytes: int) -> list[BundleFile]:
    """Files without a receipt; small ones first, as many as fit."""
    missing = [(one.size, sha256, one) for sha256, one in kept.files.items() if not one.verified]
    taken, bytes_left = [], most_bytes
    for size, sha256, one in sorted(missing, key=lambda item: item[:2]):
        if size <= bytes_left:
            bytes_left -= size
            taken.append(BundleFile(sha256, size, one.mime, one.kind))
    return taken


def unsent_header(
    kept: Kept,
    device_id: str,
    person_id: str | None,
    schema_version: int,
    created_at: str,
    ops: Sequence[Mapping[str, Any]],
    files: Sequence[BundleFile],
) -> Header:
    """What the bundle says of itself; what only its sealing can tell is still empty."""
    return Header(
        device_id=device_id,
        person_id=person_id,
        epoch=numbered_in(kept),
        schema_version=schema_version,
        created_at=created_at,
        first_op=ops[0]["op_no"] if ops else 0,
        last_op=ops[-1]["op_no"] if ops else 0,
        ops_count=len(ops),
        ops_size=0,
        ops_sha256="",
        files=tuple(files),
        to="",
        key={},
    )
