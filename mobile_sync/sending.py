"""Sending a file piece by piece over whatever carries tus, going on where the server is (SPEC.md B3–B6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from mobile_sync.kept import KeptFile

FIRST = ("signature", "thumb", "act")
"""Kinds that go before all others, in this order (SPEC.md B10)."""

Urgency = Callable[[str], float]
"""How soon a file is wanted among those of its kind, by its hash: the lowest first."""


class FileWire(Protocol):
    """The four requests a sender needs. No answer is an `OSError`, a refusal a `Refused`."""

    keep_s: int | None
    """How long the server asks devices to keep originals, in seconds, as last heard with `check` (B9)."""

    def check(self, hashes: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Where the server stands: `{sha256, state, upload_url?, offset?}` each (B3)."""

    def begin(self, sha256: str, file: KeptFile) -> str:
        """Create an upload; returns its address."""

    def offset(self, url: str) -> int:
        """Bytes the server has."""

    def send(self, url: str, at: int, piece: bytes) -> int:
        """Send bytes; returns the new offset."""


def in_order(files: Mapping[str, KeptFile], urgency: Urgency) -> list[str]:
    """The hashes of files that are not verified, in the order in which they go: small and needed first (B10)."""
    waiting = [sha256 for sha256, file in files.items() if not file.verified]
    return sorted(waiting, key=lambda sha256: (_rank(files[sha256].kind), urgency(sha256), files[sha256].size))


def _rank(kind: str) -> int:
    return FIRST.index(kind) if kind in FIRST else len(FIRST)


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
