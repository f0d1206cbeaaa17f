"""A folder as object store, and the half-arrived files beside it."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import IO, BinaryIO
from uuid import UUID

from mobile_sync.protocol import SyncProblem

PIECE_BYTES = 16 * 1024  # a torn link loses what has arrived of one: with 64 KiB, 20 cuts cost a photo of 5 MB 0.33 MB


@dataclass(frozen=True)
class LocalStore:
    """`aa/bb/<sha256>` under `root`; a name is there only when all its bytes are on the disk."""

    root: Path

    def _path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def put(self, sha256: str, source: Path) -> None:
        """Rename into place; the same file system is expected, as a rename is what makes it whole at once."""
        target = self._path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(source)
        source.replace(target)
        for folder in (target.parent, target.parent.parent, self.root):
            _sync(folder)

    def has(self, sha256: str) -> bool:
        """True if the content is there."""
        return self._path(sha256).exists()

    def open(self, sha256: str) -> BinaryIO:
        """The content."""
        return self._path(sha256).open("rb")

    def delete(self, sha256: str) -> None:
        """Forget the content."""
        self._path(sha256).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class PartialFiles:
    """Uploads under way: one file each, whose length is the offset, whatever process dies when."""

    root: Path

    def path(self, upload_id: UUID) -> Path:
        """Where the bytes of an upload are."""
        return self.root / str(upload_id)

    def offset(self, upload_id: UUID) -> int | None:
        """Bytes here; None when there is no such file."""
        try:
            return self.path(upload_id).stat().st_size
        except FileNotFoundError:
            return None

    def begin(self, upload_id: UUID) -> None:
        """An empty file."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.path(upload_id).touch(exist_ok=False)

    def drop(self, upload_id: UUID) -> None:
        """Throw the bytes away."""
        self.path(upload_id).unlink(missing_ok=True)
        self._side(upload_id).unlink(missing_ok=True)

    def untouched_since(self, then: datetime) -> set[UUID]:
        """Uploads whose bytes were last written before a time."""
        if not self.root.is_dir():
            return set()
        return {UUID(path.stem) for path in self.root.iterdir() if _written_before(path, then)}

    def _side(self, upload_id: UUID) -> Path:
        return self.root / f"{upload_id}.chunk"

    @contextmanager
    def locked(self, upload_id: UUID) -> Iterator[FileIO]:
        """The file, for this process alone.

        Raises:
            SyncProblem: `upload_locked` (423) while another request writes it; `unknown_upload`.
        """
        try:
            handle = os.open(self.path(upload_id), os.O_WRONLY | os.O_APPEND)  # never creates: it may be stored already
        except FileNotFoundError as error:
            raise SyncProblem("unknown_upload", 404) from error
        with FileIO(handle, "ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SyncProblem("upload_locked", 423) from error
            if not self._still_ours(upload_id, handle):
                raise SyncProblem("upload_locked", 423)
            yield file

    def _still_ours(self, upload_id: UUID, handle: int) -> bool:
        """Between open and lock someone may have verified the file and moved it into the store."""
        try:
            return os.path.samestat(os.fstat(handle), self.path(upload_id).stat())
        except FileNotFoundError:
            return False

    def append(self, file: FileIO, stream: IO[bytes], room: int) -> None:
        """Write a request's bytes as they come; what has arrived when the link breaks stays.

        Raises:
            SyncProblem: `beyond_length` (413): more than `room` bytes came; none of them is kept.
        """
        start = os.fstat(file.fileno()).st_size
        for piece in _pieces(stream, room + 1):
            file.write(piece)
        if os.fstat(file.fileno()).st_size > start + room:
            file.truncate(start)
            raise SyncProblem("beyond_length", 413)
        os.fsync(file.fileno())

    def append_checked(
        self, upload_id: UUID, file: FileIO, stream: IO[bytes], room: int, algorithm: str, wanted: bytes
    ) -> None:
        """Take a chunk only when its checksum is right: it waits beside the file until then.

        Raises:
            SyncProblem: `checksum_mismatch` (460) or `beyond_length` (413); nothing is kept.
        """
        side = self._side(upload_id)
        digest = hashlib.new(algorithm, usedforsecurity=False)
        with side.open("wb", buffering=0) as chunk:
            for piece in _pieces(stream, room + 1):
                chunk.write(piece)
                digest.update(piece)
        if side.stat().st_size > room:
            raise SyncProblem("beyond_length", 413)
        if digest.digest() != wanted:
            raise SyncProblem("checksum_mismatch", 460)
        with side.open("rb") as chunk:
            self.append(file, chunk, room)
        side.unlink()


def _written_before(path: Path, then: datetime) -> bool:
    try:
        return path.stat().st_mtime < then.timestamp()
    except FileNotFoundError:  # verified, or dropped, meanwhile
        return False


def _pieces(stream: IO[bytes], most: int) -> Iterator[bytes]:
    """At most `most` bytes, never more than a piece in memory."""
    left = most
    while left > 0 and (piece := stream.read(min(PIECE_BYTES, left))):
        left -= len(piece)
        yield piece


def sha256_of(path: Path) -> str:
    """Of the bytes on the disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
