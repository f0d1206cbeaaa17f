"""Real sealed bundles for the shop over PostgreSQL: a key for each tablet, the server's own, and its signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from mobile_sync.bundle import Header
from mobile_sync.device_key import DeviceKey
from mobile_sync.sealing import read_receipt, seal
from mobile_sync.simulation.postgres_app import ShopHost


class Sealing:
    """The part of a `House` that seals for its tablets and reads its receipts."""

    host: ShopHost

    def seal(self, header: Header, ops: Sequence[Mapping[str, Any]], content: Callable[[str], bytes]) -> bytes:
        """With a key of the device's own, made when it seals for the first time."""
        key = self.host.keys.setdefault(UUID(header.device_id), DeviceKey.made())
        return b"".join(seal(header, json.dumps(ops).encode(), content, self.host.server_keys[0].told()["seal"], key))

    def receipt(self, body: bytes) -> Mapping[str, Any]:
        """Signed by this server."""
        return read_receipt(json.loads(body)["receipt"], self.host.server_keys[0].told()["sign"])
