"""Files of a server in memory: the same answers as over tus, by the same rules (SPEC.md B2–B7)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from mobile_sync.memory.server import MemoryServer
from mobile_sync.memory.state import Sending
from mobile_sync.protocol import SyncProblem

_KEPT_FOR = timedelta(days=7)
_UNDECLARED_FOR = timedelta(days=30)


@dataclass
class MemoryFiles:
    """Uploads over a server's state."""

    server: MemoryServer

    def check(self, device_id: UUID, hashes: Sequence[str]) -> list[dict[str, Any]]:
        """Where the server stands with each."""
        return [self._state(device_id, sha256) for sha256 in hashes]

    def _state(self, device_id: UUID, sha256: str) -> dict[str, Any]:
        if sha256 in self.server.state.verified:
            return {"sha256": sha256, "state": "verified"}
        for upload_id, one in self.server.state.uploads.items():
            if (one.sha256, one.device_id) == (sha256, device_id) and not self._expired(one):
                url = f"files/{upload_id}"
                return {"sha256": sha256, "state": "partial", "upload_url": url, "offset": len(one.content)}
        return {"sha256": sha256, "state": "missing"}

    def begin(self, device_id: UUID, sha256: str, size: int) -> UUID:
        """A new upload; finished at birth if the content is here (B4)."""
        self._admit(device_id)
        upload_id = self.server.make_id()
        self.server.step("upload begun")
        content = self.server.state.verified.get(sha256, b"")
        now = self.server.clock()
        self.server.state.uploads[upload_id] = Sending(sha256, size, device_id, now + _KEPT_FOR, content)
        if content:
            self.server.state.wanted_at[sha256] = now
        return upload_id

    def _admit(self, device_id: UUID) -> None:
        if device_id in self.server.revoked:
            raise SyncProblem("device_revoked", 403)

    def _found(self, device_id: UUID, upload_id: UUID) -> Sending:
        self._admit(device_id)
        found = self.server.state.uploads.get(upload_id)
        if found is None or found.device_id != device_id:
            raise SyncProblem("unknown_upload", 404)
        if self._expired(found):
            raise SyncProblem("upload_expired", 410)
        return found

    def _expired(self, one: Sending) -> bool:
        return one.expires_at <= self.server.clock() and one.sha256 not in self.server.state.verified

    def offset(self, device_id: UUID, upload_id: UUID) -> int:
        """Bytes here; what a crash left undone after the last one is done now."""
        found = self._found(device_id, upload_id)
        if len(found.content) == found.size:
            self._finish(upload_id, found)
        return len(found.content)

    def send(self, device_id: UUID, upload_id: UUID, at: int, piece: bytes, promised: int, digest: bytes | None) -> int:
        """Take bytes at the offset; `promised` is what the request said would come, `digest` its checksum (B5)."""
        found = self._found(device_id, upload_id)
        if at != len(found.content):
            raise SyncProblem("offset_mismatch", 409)
        if at + promised > found.size:
            raise SyncProblem("beyond_length", 413)
        if digest is not None and hashlib.sha256(piece).digest() != digest:
            raise SyncProblem("checksum_mismatch", 460)
        self.server.step("bytes kept")
        grown = replace(found, content=found.content + piece)
        self.server.state.uploads[upload_id] = grown
        if len(grown.content) == grown.size:
            self._finish(upload_id, grown)
        return len(grown.content)

    def _finish(self, upload_id: UUID, whole: Sending) -> None:
        """Read again, compare, keep or throw away (B6)."""
        self.server.step("file read again")
        if not self.is_right(whole.content, whole.sha256):
            del self.server.state.uploads[upload_id]
            raise SyncProblem("hash_mismatch", 422)
        self.server.step("file verified")
        self.server.state.verified.setdefault(whole.sha256, whole.content)
        self.server.state.wanted_at.setdefault(whole.sha256, self.server.clock())

    def take_whole(self, sha256: str, content: bytes) -> None:
        """A file that came all at once, with a bundle (V9)."""
        with self.server.transaction(self.server):
            self.server.step("file read again")
            if self.is_right(content, sha256):
                self.server.step("file verified")
                self.server.state.verified.setdefault(sha256, content)
                self.server.state.wanted_at[sha256] = self.server.clock()

    def is_right(self, content: bytes, sha256: str) -> bool:
        """The bytes are the file they claim to be."""
        return hashlib.sha256(content).hexdigest() == sha256

    def expire(self) -> int:
        """Throw away what is past its time, and all half files of revoked devices; returns how many."""
        overdue = [
            upload_id
            for upload_id, one in self.server.state.uploads.items()
            if one.sha256 not in self.server.state.verified
            and (self._expired(one) or one.device_id in self.server.revoked)
        ]
        for upload_id in overdue:
            del self.server.state.uploads[upload_id]
        return len(overdue)

    def collect(self) -> int:
        """Remove files that no op names and nobody has sent for long (B11); returns how many."""
        state, before = self.server.state, self.server.clock() - _UNDECLARED_FOR
        named = self.named()
        unwanted = [sha256 for sha256, at in state.wanted_at.items() if at < before and sha256 not in named]
        for sha256 in unwanted:
            del state.verified[sha256], state.wanted_at[sha256]
        ended = [upload_id for upload_id, one in state.uploads.items() if one.sha256 in unwanted]
        for upload_id in ended:
            del state.uploads[upload_id]
        return len(unwanted)

    def named(self) -> set[str]:
        """The files that an op of the ledger names, whatever became of it."""
        state = self.server.state
        told = " ".join(one.body for ops in state.ops.values() for one, _ in ops.values())
        return {sha256 for _, _, sha256 in state.files} | set(re.findall(r"[0-9a-f]{64}", told))
