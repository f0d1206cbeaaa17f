"""What every object store keeps: one suite for a folder and for a real S3 server."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mobile_sync.adapters.local_store import LocalStore
from mobile_sync.adapters.s3_store import PART_BYTES, READ_BYTES, S3Store
from mobile_sync.blobs import BucketAddress, ObjectStore, StoreUnavailable
from tests.object_store import nobody_there


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store."""
    if request.param == "folder":
        return LocalStore(tmp_path / "store")
    return bucket_of(request, tmp_path.name)


def bucket_of(request: pytest.FixtureRequest, prefix: str) -> S3Store:
    bucket: BucketAddress = request.getfixturevalue("bucket")
    return S3Store(replace(bucket, prefix=f"two/deep/{prefix}"))


def a_file(folder: Path, content: bytes, name: str = "verified") -> tuple[Path, str]:
    """A local file and its SHA-256."""
    path = folder / name
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def read(store: ObjectStore, sha256: str) -> bytes:
    with store.open(sha256) as content:
        return content.read()


def test_what_is_put_is_there_and_the_file_is_gone(store: ObjectStore, tmp_path: Path) -> None:
    path, sha256 = a_file(tmp_path, b"a photo")
    assert not store.has(sha256)
    store.put(sha256, path)
    assert (store.has(sha256), read(store, sha256), path.exists()) == (True, b"a photo", False)


def test_content_that_is_there_stays_and_the_second_file_goes(store: ObjectStore, tmp_path: Path) -> None:
    store.put(*reversed(a_file(tmp_path, b"a photo")))
    again, sha256 = a_file(tmp_path, b"a photo", "again")
    store.put(sha256, again)
    assert (read(store, sha256), again.exists()) == (b"a photo", False)


def test_what_was_never_put_is_missing(store: ObjectStore) -> None:
    assert not store.has("0" * 64)
    with pytest.raises(FileNotFoundError):
        store.open("0" * 64)
    store.delete("0" * 64)


def test_a_file_that_is_not_there_cannot_be_put(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put("0" * 64, tmp_path / "nothing")
    assert not store.has("0" * 64)


def test_what_is_deleted_is_missing_and_can_be_put_again(store: ObjectStore, tmp_path: Path) -> None:
    path, sha256 = a_file(tmp_path, b"a photo")
    store.put(sha256, path)
    store.delete(sha256)
    assert not store.has(sha256)
    path.write_bytes(b"a photo")
    store.put(sha256, path)
    assert read(store, sha256) == b"a photo"


@pytest.fixture
def long(store: ObjectStore, tmp_path: Path) -> Iterator[tuple[ObjectStore, str, bytes]]:
    """Content of several parts, the last of them short."""
    content = os.urandom(1024) * (2 * PART_BYTES // 1024) + b"the end"
    path, sha256 = a_file(tmp_path, content)
    store.put(sha256, path)
    yield store, sha256, content
    store.delete(sha256)


def test_a_file_of_several_parts_is_whole(long: tuple[ObjectStore, str, bytes]) -> None:
    store, sha256, _ = long
    with store.open(sha256) as content:
        assert hashlib.file_digest(content, "sha256").hexdigest() == sha256


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.tuples(st.integers(0, 2 * PART_BYTES + 20), st.integers(0, READ_BYTES + 9)), max_size=4))
def test_any_piece_can_be_read(long: tuple[ObjectStore, str, bytes], pieces: list[tuple[int, int]]) -> None:
    store, sha256, whole = long
    with store.open(sha256) as content:
        assert content.seekable()
        for start, length in pieces:
            assert content.seek(start) == start
            assert content.read(length) == whole[start : start + length]
        assert content.seek(-7, os.SEEK_END) == len(whole) - 7
        assert content.read() == b"the end"


def test_it_is_seen_whole_or_not_at_all(store: ObjectStore, tmp_path: Path) -> None:
    whole = os.urandom(1024) * (2 * PART_BYTES // 1024 + 1)
    path, sha256 = a_file(tmp_path, whole)
    seen: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            if store.has(sha256):
                with store.open(sha256) as content:
                    seen.add(content.seek(0, os.SEEK_END))

    reader = threading.Thread(target=look)
    reader.start()
    store.put(sha256, path)
    assert store.has(sha256)
    done.set()
    reader.join()
    assert seen <= {len(whole)}
    assert hashlib.sha256(read(store, sha256)).hexdigest() == sha256


def test_four_who_put_the_same_content_at_once_leave_one_whole_copy(store: ObjectStore, tmp_path: Path) -> None:
    content = os.urandom(PART_BYTES + 9)
    files = [a_file(tmp_path, content, f"copy-{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as devices:
        list(devices.map(lambda file: store.put(file[1], file[0]), files))
    assert read(store, files[0][1]) == content
    assert not any(path.exists() for path, _ in files)


def test_a_bucket_that_cannot_be_reached_says_so_and_the_file_stays(bucket: BucketAddress, tmp_path: Path) -> None:
    away = S3Store(nobody_there(bucket))
    path, sha256 = a_file(tmp_path, b"a photo")
    for ask in (lambda: away.put(sha256, path), lambda: away.has(sha256), lambda: away.open(sha256)):
        with pytest.raises(StoreUnavailable):
            ask()
    assert path.read_bytes() == b"a photo"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"secret_access_key": "guessed"}, id="a key that is wrong"),
        pytest.param({"bucket": "not-made"}, id="a bucket that nobody made"),
    ],
)
def test_a_refusal_of_the_service_never_looks_like_stored(
    wrong: dict[str, str], bucket: BucketAddress, tmp_path: Path
) -> None:
    refused = S3Store(replace(bucket, **wrong))  # type: ignore[arg-type]
    path, sha256 = a_file(tmp_path, b"a photo")
    with pytest.raises(StoreUnavailable) as told:
        refused.put(sha256, path)
    assert path.exists()
    assert "guessed" not in str(told.value)
    assert bucket.secret_access_key not in repr(bucket)
