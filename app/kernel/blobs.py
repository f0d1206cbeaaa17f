"""An installation's files: whole ones in its object store by the SHA-256 of their content, others in a folder here."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from mobile_sync.adapters.local_store import LocalStore, PartialFiles
from mobile_sync.blobs import BucketAddress, ObjectStore


class Blobs:
    """`root` holds what is half here, in `partial`, and without a bucket also all that is whole."""

    def __init__(self, root: Path, bucket: BucketAddress | None = None) -> None:
        self.root, self.bucket = root, bucket
        self.store: ObjectStore = LocalStore(root) if bucket is None else _remote(bucket)

    @property
    def partial(self) -> PartialFiles:
        """Uploads under way; on the disk of a local store, so that a rename makes them whole at once."""
        return PartialFiles(self.root / "partial")

    def open(self, sha256: str) -> BinaryIO:
        """The bytes of this hash (64 lower-case hexadecimal digits), seekable.

        Raises:
            FileNotFoundError: they are not here. StoreUnavailable: the store cannot be asked.
        """
        return self.store.open(sha256)

    def put(self, content: bytes) -> str:
        """Keep these bytes; returns their SHA-256. Keeping them twice is free.

        Raises:
            StoreUnavailable: the store cannot be asked.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.store.has(sha256):
            self.root.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.root, prefix=".part-")
            try:
                with os.fdopen(handle, "wb") as part:
                    part.write(content)
                self.store.put(sha256, Path(name))
            finally:
                Path(name).unlink(missing_ok=True)
        return sha256


def _remote(bucket: BucketAddress) -> ObjectStore:
    from mobile_sync.adapters.s3_store import S3Store  # noqa: PLC0415 - its library loads where it is used only

    return S3Store(bucket)
