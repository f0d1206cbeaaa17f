"""Where the bytes of files live, by the SHA-256 of their content. Every store keeps the same contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID


class StoreUnavailable(OSError):
    """The object store did not answer, or refused; nothing is known to have changed."""


class ObjectStore(Protocol):
    """Content-addressed, write-once. `sha256` is 64 hexadecimal digits. Content is there whole, or not at all.

    A store on another machine raises `StoreUnavailable` from any of these when it cannot be asked.
    """

    def put(self, sha256: str, source: Path) -> None:
        """Take over a verified local file, durably; `source` is gone then. Content that is there already stays."""

    def has(self, sha256: str) -> bool:
        """True if the content is there."""

    def open(self, sha256: str) -> BinaryIO:
        """The content, seekable; what is not read is not fetched.

        Raises:
            FileNotFoundError: it is not there.
        """

    def delete(self, sha256: str) -> None:
        """Forget the content; nothing happens if it is not there."""


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Where an S3-compatible store is. `endpoint` is empty for Amazon's own; `prefix` has no slash at its ends."""

    bucket: str
    prefix: str
    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FileLimit:
    """What a sort of file may be: its types, and bytes at most."""

    mimes: frozenset[str]
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way. `offset` is what the server has."""

    id: UUID
    sha256: str
    size: int
    mime: str
    kind: str
    device_id: UUID
    actor: UUID | None
    finished: bool
    expired: bool
    expires_http: str
