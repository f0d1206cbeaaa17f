"""Tiles of the ground, kept in this process. Scope and version are part of the key: nothing has to be removed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

ROOM_BYTES = 24 * 1024 * 1024  # a process


class TileCache:
    """The tiles used last, up to a number of bytes."""

    def __init__(self, room_bytes: int = ROOM_BYTES) -> None:
        self._room = room_bytes
        self._used = 0
        self._tiles: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> bytes | None:
        """The tile, which is now the one used last; None when it is not here."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def put(self, key: Hashable, tile: bytes) -> None:
        """Keep a tile, dropping those not used for longest."""
        with self._lock:
            self._used += len(tile) - len(self._tiles.pop(key, b""))
            self._tiles[key] = tile
            while self._used > self._room:
                _, dropped = self._tiles.popitem(last=False)
                self._used -= len(dropped)
