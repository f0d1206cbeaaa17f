"""Any S3-compatible service as object store: an object a content, named by its hash like a local store's files.

Nothing half comes into the bucket: a file is whole and its hash checked before its first part leaves this machine, and
its name appears when all parts are there. Each part carries its own SHA-256 in the request's signature.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from mobile_sync.blobs import BucketAddress, StoreUnavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PART_BYTES = 5 * 1024 * 1024  # the least that S3 takes; two of them are in memory at a time
READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class S3Store:
    """`prefix/aa/bb/<sha256>` in a bucket that exists. Safe to make before a fork: it connects when first used."""

    address: BucketAddress

    @cached_property
    def _bucket(self) -> Bucket:
        at = self.address
        return Bucket(
            at.bucket,
            prefix=at.prefix or None,
            config={
                "access_key_id": at.access_key_id,
                "secret_access_key": at.secret_access_key,
                "region": at.region,
                **({"endpoint": at.endpoint} if at.endpoint else {}),
                **({"session_token": at.session_token} if at.session_token else {}),
            },
            client_options={
                "connect_timeout": timedelta(seconds=2),
                "timeout": timedelta(seconds=60),
                "allow_http": at.endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=90)},
        )

    def put(self, sha256: str, source: Path) -> None:
        """Send the file in parts; two who send the same content at once send the same bytes."""
        with source.open("rb") as content:
            if not self.has(sha256):
                self._send(sha256, content)
        source.unlink(missing_ok=True)

    def _send(self, sha256: str, content: BinaryIO) -> None:
        try:
            with _told():
                obstore.put(self._bucket, _key(sha256), content, chunk_size=PART_BYTES, max_concurrency=2)
        except FileNotFoundError as error:
            raise StoreUnavailable(f"there is no bucket {self.address.bucket}") from error

    def has(self, sha256: str) -> bool:
        """True if the content is there."""
        return self._size(sha256) is not None

    def open(self, sha256: str) -> BinaryIO:
        """The content, a mebibyte a request."""
        size = self._size(sha256)
        if size is None:
            raise FileNotFoundError(sha256)
        return io.BufferedReader(_Ranged(self._bucket, _key(sha256), size), READ_BYTES)

    def delete(self, sha256: str) -> None:
        """Forget the content."""
        with _told():
            obstore.delete(self._bucket, _key(sha256))

    def _size(self, sha256: str) -> int | None:
        try:
            with _told():
                return obstore.head(self._bucket, _key(sha256))["size"]
        except FileNotFoundError:
            return None


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


@contextmanager
def _told() -> Iterator[None]:
    """The client's refusals as ours; their first line names request and status, never a key."""
    try:
        yield
    except BaseError as error:
        raise StoreUnavailable(str(error).split("\n", 1)[0]) from error


class _Ranged(io.RawIOBase):
    """An object as a file that fetches what is read of it."""

    def __init__(self, bucket: Bucket, key: str, size: int) -> None:
        self._bucket, self._key, self._size, self._at = bucket, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        into = memoryview(buffer).cast("B")
        length = min(len(into), self._size - self._at)
        if length <= 0:
            return 0
        with _told():
            piece = obstore.get_range(self._bucket, self._key, start=self._at, length=length)
        into[:length] = memoryview(piece)
        self._at += length
        return length
