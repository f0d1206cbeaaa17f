"""Bytes by the SHA-256 of their content. What stands under a name is complete and right, or it is not there.

The folders are those of `mobile_sync.adapters.local_store`, which puts tablets' files there; a test holds both equal.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Blobs:
    """A folder of content-addressed files: `root/ab/cd/abcd…`."""

    root: Path

    def path(self, sha256: str) -> Path:
        """Where the bytes of this hash (64 lower-case hexadecimal digits) stand or would stand."""
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def has(self, sha256: str) -> bool:
        """Whether the bytes are here."""
        return self.path(sha256).is_file()

    def put(self, content: bytes) -> str:
        """Keep these bytes; returns their SHA-256. Keeping them twice is free."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path(sha256)
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(target, content)
        return sha256


def _write_whole(target: Path, content: bytes) -> None:
    """A reader sees all bytes or no file, whatever is pulled out when."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    with os.fdopen(handle, "wb") as part:
        part.write(content)
        part.flush()
        os.fsync(part.fileno())
    Path(name).replace(target)
