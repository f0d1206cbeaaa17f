"""What a client keeps, as one value that is changed whole or not at all, and the place it is kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mobile_sync.incidents import Noted
from mobile_sync.outbox import Outbox
from mobile_sync.replica import Replica


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of the device. `verified_at`: the first server time heard after the receipt, None before."""

    size: int
    mime: str
    kind: str
    verified: bool = False
    verified_at: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The durable state of a device; nobody changes one, the next one takes its place.

    `settled`: server time of each final result. `shown`: ops whose final result was there before the last complete pull
    began (L6). `life`: the epoch last heard of, in any answer; `asked`: that of the last push answered, until there is
    one the epoch heard of before `life` (P14, V11). `server_at`: the server's clock as last heard; `keep_s`: how long
    it asks for originals to be kept, if it has said. `incidents`: of replicas that did not add up (L16).
    """

    outbox: Outbox = field(default_factory=Outbox)
    replica: Replica = field(default_factory=Replica)
    settled: Mapping[int, str] = field(default_factory=dict)
    shown: frozenset[int] = frozenset()
    files: Mapping[str, KeptFile] = field(default_factory=dict)
    life: str | None = None
    asked: str | None = None
    server_at: str | None = None
    keep_s: int | None = None
    incidents: tuple[Noted, ...] = ()


class Storage(Protocol):
    """A place that forgets nothing it has said yes to."""

    def load(self) -> Kept:
        """What was saved last, less any row that does not read back as it was written: L7 finds what is missing."""

    def save(self, kept: Kept, contents: Mapping[str, bytes]) -> None:
        """One local transaction: `kept` replaces what was there, `contents` are new files by hash.

        Files that `kept` no longer names are deleted.

        Raises:
            OSError: it did not fit, or could not be written; what was there is there still.
        """

    def content(self, sha256: str) -> bytes:
        """The bytes of a kept file."""


class MemoryStorage:
    """For tests, and for devices that live as long as their process."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.contents: dict[str, bytes] = {}

    def load(self) -> Kept:
        """As saved."""
        return self.kept

    def save(self, kept: Kept, contents: Mapping[str, bytes]) -> None:
        """Keep it."""
        held = {**self.contents, **contents}
        self.kept, self.contents = kept, {sha256: held[sha256] for sha256 in kept.files}

    def content(self, sha256: str) -> bytes:
        """As saved."""
        return self.contents[sha256]
