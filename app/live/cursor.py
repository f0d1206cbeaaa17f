"""A place in the live buckets of one or more branches, as the opaque token of Last-Event-ID."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Cursor:
    """The life of the database, and the last seq seen of each branch."""

    epoch: str
    seqs: Mapping[UUID, int]

    def token(self) -> str:
        """Text for the `id:` of an event."""
        content = [self.epoch, {branch.hex: seq for branch, seq in self.seqs.items()}]
        return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")

    def at(self, branch_id: UUID, seq: int) -> Cursor:
        """The same place, further on in one branch."""
        return Cursor(self.epoch, {**self.seqs, branch_id: seq})


def read_cursor(token: str) -> Cursor | None:
    """The cursor of a token; None when it is not one of ours: the reader is then told to fetch everything."""
    try:
        epoch, seqs = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return Cursor(str(epoch), {UUID(hex=branch): int(seq) for branch, seq in seqs.items()})
    except (ValueError, TypeError, AttributeError):
        return None
