"""`python -m mobile_sync bundle`: the sealed file of a device's unsent work, and the receipt for it (SPEC.md V)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobile_sync.bundle import BundleFile, Header
from mobile_sync.device_key import DeviceKey
from mobile_sync.outbox import Stage
from mobile_sync.sealing import read_receipt, seal
from mobile_sync.tablet import Tablet
from mobile_sync.tool.device import LOGIN, SERVER_KEYS, BadReceipt, NotEnrolled, ToolDevice, clock
from mobile_sync.wire import write_time


def learn_keys(device: ToolDevice) -> Mapping[str, Any]:
    """The server's keys, fetched where they are not known yet (V3). Raises as any request."""
    known: Mapping[str, Any] | None = device.storage.noted(SERVER_KEYS)
    if known is None:
        known = device.link.get("keys")
        device.storage.note(SERVER_KEYS, known)
    return known


def export(device: ToolDevice, path: Path, most_bytes: int) -> dict[str, Any]:
    """Seal what is unsent into a file; returns what is in it.

    Raises:
        NotEnrolled: the device has no key of its own.
    """
    login = device.storage.noted(LOGIN)
    if "key" not in login:
        raise NotEnrolled("this device has a token and no key: enrol with login and code")
    ops = unsent_ops(device.tablet)
    header = _header(login, device.tablet, ops, _files(device.tablet, most_bytes))
    written = json.dumps(ops, ensure_ascii=False, separators=(",", ":")).encode()
    keys, key = learn_keys(device), DeviceKey.read(login["key"])
    with path.open("wb") as out:
        out.writelines(seal(header, written, device.storage.content, keys["seal"], key))
    return {"ops": len(ops), "files": len(header.files), "bytes": path.stat().st_size}


def unsent_ops(tablet: Tablet) -> list[Mapping[str, Any]]:
    """The pending ops whose numbers follow on each other from the lowest on (V1)."""
    ops = [entry.op for entry in tablet.outbox.entries if entry.stage is Stage.PENDING]
    return [op for at, op in enumerate(ops) if op["op_no"] == ops[0]["op_no"] + at]


def _files(tablet: Tablet, most_bytes: int) -> list[BundleFile]:
    """Small ones first, as many as fit."""
    missing = [(one.size, sha256, one) for sha256, one in tablet.kept.files.items() if not one.verified]
    taken, bytes_left = [], most_bytes
    for size, sha256, one in sorted(missing, key=lambda item: item[:2]):
        if size <= bytes_left:
            bytes_left -= size
            taken.append(BundleFile(sha256, size, one.mime, one.kind))
    return taken


def _header(login: Mapping[str, Any], tablet: Tablet, ops: list[Mapping[str, Any]], files: list[BundleFile]) -> Header:
    return Header(
        device_id=login["device_id"],
        person_id=login.get("person_id"),
        epoch=tablet.kept.life,
        schema_version=tablet.schema_version,
        created_at=write_time(clock()),
        first_op=ops[0]["op_no"] if ops else 0,
        last_op=ops[-1]["op_no"] if ops else 0,
        ops_count=len(ops),
        ops_size=0,
        ops_sha256="",
        files=tuple(files),
        to="",
        key={},
    )


def take_receipt(device: ToolDevice, text: str) -> None:
    """Settle what a receipt settles.

    Raises:
        BadReceipt: not of this server, not for this device, or of another life of the server.
    """
    try:
        claims = read_receipt(text, learn_keys(device)["sign"])
    except ValueError as error:
        raise BadReceipt(str(error)) from error
    if claims["device_id"] != device.storage.noted(LOGIN).get("device_id"):
        raise BadReceipt("the receipt is for another device")
    if not device.tablet.take_receipt(claims):
        raise BadReceipt("the receipt is from another life of the server: sync instead")
