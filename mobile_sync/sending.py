"""Sending a file piece by piece over whatever carries tus, going on where the server is (SPEC.md B3–B6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mobile_sync.kept import KeptFile


class FileWire(Protocol):
    """The four requests a sender needs. No answer is an `OSError`, a refusal a `Refused`."""

    def check(self, hashes: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Where the server stands: `{sha256, state, upload_url?, offset?}` each (B3)."""

    def begin(self, sha256: str, file: KeptFile) -> str:
        """Create an upload; returns its address."""

    def offset(self, url: str) -> int:
        """Bytes the server has."""

    def send(self, url: str, at: int, piece: bytes) -> int:
        """Send bytes; returns the new offset."""


def send_file(wire: FileWire, sha256: str, file: KeptFile, content: bytes, chunk_bytes: int) -> bool:
    """Send what the server lacks. True only when the server itself says `verified`."""
    state = wire.check([sha256])[0]
    if state["state"] == "verified":
        return True
    url = str(state.get("upload_url") or wire.begin(sha256, file))
    at = wire.offset(url)
    while at < file.size:
        at = wire.send(url, at, content[at : at + chunk_bytes])
    return bool(wire.check([sha256])[0]["state"] == "verified")
