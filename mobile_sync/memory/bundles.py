"""Bundles at a server in memory: without what a seal hides and proves, all else as at the door (SPEC.md V4–V9)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from mobile_sync.bundle import BundleFile, Header
from mobile_sync.delivery import Standing, batches_of, claims_of, must_follow
from mobile_sync.memory.files import MemoryFiles
from mobile_sync.memory.server import MemoryServer
from mobile_sync.protocol import SyncProblem


def open_bundle(header: Header, ops: Sequence[Mapping[str, Any]], content: Callable[[str], bytes]) -> bytes:
    """A bundle without its seal, for `take_bundle`."""
    files = {one.sha256: content(one.sha256).hex() for one in header.files}
    return json.dumps({"header": asdict(header), "ops": ops, "files": files}).encode()


def take_bundle(server: MemoryServer, files: MemoryFiles, courier: UUID, told: Mapping[str, Any]) -> dict[str, Any]:
    """Check whole, judge, keep; what the receipt says.

    Raises:
        SyncProblem: `device_revoked`, `bundle_gap`, `bundle_epoch`; as `read_batch`.
    """
    listed = tuple(BundleFile(**one) for one in told["header"]["files"])
    header = Header(**{**told["header"], "files": listed})
    device = server.device(UUID(header.device_id))
    if courier in server.revoked and courier != device.id:
        raise SyncProblem("device_revoked", 403)
    standing = _standing(server, device.id)
    must_follow(header, device, standing)
    batches = list(batches_of(header, device, standing, told["ops"]))
    results = [result for batch in batches for result in server.judged(device, batch).results]
    for one in listed:
        files.take_whole(one.sha256, bytes.fromhex(told["files"][one.sha256]))
    server.step("answer")
    verified = sorted(one.sha256 for one in listed if one.sha256 in server.state.verified)
    return claims_of(header, _standing(server, device.id), results, verified)


def _standing(server: MemoryServer, device_id: UUID) -> Standing:
    state = server.state
    error = state.clock_errors.get(device_id, timedelta(0))
    return Standing(state.high.get(device_id, 0) + 1, error, server.life, server.clock())
