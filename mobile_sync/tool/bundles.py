"""`python -m mobile_sync bundle`: the sealed file of a device's unsent work, and the receipt for it (SPEC.md V)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobile_sync.device_key import DeviceKey
from mobile_sync.sealing import read_receipt, seal
from mobile_sync.tool.device import LOGIN, SERVER_KEYS, BadReceipt, NotEnrolled, ToolDevice, clock
from mobile_sync.unsent import unsent_files, unsent_header, unsent_ops
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
        NotEnrolled: the device has no key of its own, or has never had an answer (V11).
    """
    login = device.storage.noted(LOGIN)
    if "key" not in login:
        raise NotEnrolled("this device has a token and no key: enrol with login and code")
    tablet = device.tablet
    if tablet.kept.life is None:
        raise NotEnrolled("this device has not heard from its server yet: sync once")
    ops, files = unsent_ops(tablet.kept), unsent_files(tablet.kept, most_bytes)
    who = (login["device_id"], login.get("person_id"), tablet.schema_version, write_time(clock()))
    header = unsent_header(tablet.kept, *who, ops, files)
    written = json.dumps(ops, ensure_ascii=False, separators=(",", ":")).encode()
    keys, key = learn_keys(device), DeviceKey.read(login["key"])
    with path.open("wb") as out:
        out.writelines(seal(header, written, device.storage.content, keys["seal"], key))
    return {"ops": len(ops), "files": len(header.files), "bytes": path.stat().st_size}


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
