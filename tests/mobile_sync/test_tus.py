"""Uploads by tus 1.0, with a client that is not ours (tuspy), and with a link that is cut anywhere."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import os
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tusclient.client import TusClient

from mobile_sync.link import HttpLink
from tests.mobile_sync.files import (
    CHUNK,
    TUS,
    a_device,
    a_photo,
    begin,
    check,
    checksum_of,
    client_of,
    metadata_of,
    offset,
    patch,
)
from tests.mobile_sync.test_http import told
from tests.mobile_sync.web import WebShop


def test_B4_a_foreign_client_uploads_and_the_hash_is_verified(web: WebShop, address: str) -> None:
    content, sha256 = a_photo(300_000)
    device_id = a_device(web.shop, "a")
    foreign = TusClient(f"{address}/sync/v1/files", headers={"Authorization": f"Bearer {device_id}"})
    meta = {"sha256": sha256, "mime": "image/jpeg", "kind": "photo", "filename": "IMG_1.jpg"}
    foreign.uploader(file_stream=io.BytesIO(content), chunk_size=70_000, metadata=meta, upload_checksum=True).upload()
    assert web.store.open(sha256).read() == content
    assert [upload.sha256 for upload in web.verified] == [sha256]


def test_B5_a_foreign_client_resumes_where_the_server_is(web: WebShop, address: str) -> None:
    content, sha256 = a_photo(200_000)
    device_id = a_device(web.shop, "a")
    foreign = TusClient(f"{address}/sync/v1/files", headers={"Authorization": f"Bearer {device_id}"})
    meta = {"sha256": sha256, "mime": "image/jpeg", "kind": "photo"}
    first = foreign.uploader(file_stream=io.BytesIO(content), chunk_size=60_000, metadata=meta)
    first.upload_chunk()
    second = foreign.uploader(file_stream=io.BytesIO(content), chunk_size=60_000, url=first.url)
    assert second.offset == 60_000
    second.upload()
    assert web.store.has(sha256)


def test_B3_our_own_client_goes_on_where_the_server_is_and_sends_nothing_twice(web: WebShop, address: str) -> None:
    content, sha256 = a_photo(300_000)
    device_id = a_device(web.shop, "a")
    client = client_of(web, device_id)
    patch(client, begin(client, sha256, len(content)).headers["Location"], 0, content[:100_000])
    link = HttpLink(f"{address}/sync/v1/", str(device_id))
    assert link.upload(content, mime="image/jpeg", kind="photo") == sha256
    assert link.upload(content, mime="image/jpeg", kind="photo") == sha256
    assert web.store.open(sha256).read() == content
    assert len(web.verified) == 1


def test_B5_a_cut_link_keeps_what_arrived(web: WebShop, address: str) -> None:
    content, sha256 = a_photo(400_000)
    device_id = a_device(web.shop, "a")
    client = client_of(web, device_id)
    url = begin(client, sha256, len(content)).headers["Location"]
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
    connection.putrequest("PATCH", url)
    for name, value in {**CHUNK, "Upload-Offset": "0", "Authorization": f"Bearer {device_id}"}.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content[:250_000])
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    eventually(lambda: offset(client, url) == 250_000)
    assert eventually(lambda: patch(client, url, 250_000, content[250_000:]).status_code == 204)
    assert web.store.open(sha256).read() == content


def eventually(happens: Callable[[], Any]) -> Any:
    """The server notices a broken link in its own time."""
    pause = threading.Event()
    for _ in range(200):
        if answer := happens():
            return answer
        pause.wait(0.02)
    raise AssertionError("it never happened")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 4_000), max_size=6), repeats=st.sets(st.integers(0, 5)), checked=st.booleans())
def test_I18_any_cuts_and_repeats_end_with_the_exact_bytes(
    web: WebShop, client: FlaskClient, cuts: list[int], repeats: set[int], *, checked: bool
) -> None:
    content, sha256 = a_photo(6_000, seed=len(cuts) * 100 + sum(cuts))
    if check(client, sha256)[0]["state"] == "verified":
        return
    url = begin(client, sha256, len(content)).headers["Location"]
    for index, size in enumerate([*cuts, 6_000]):
        at = offset(client, url)
        piece = content[at : at + size]
        extra = {"Upload-Checksum": checksum_of(piece)} if checked else {}
        assert patch(client, url, at, piece, **extra).status_code == 204
        if index in repeats and piece:
            assert patch(client, url, at, piece).status_code in (409, 413)
        if offset(client, url) == len(content):
            break
    assert web.store.open(sha256).read() == content


def test_B4_the_first_bytes_may_come_with_the_creation(client: FlaskClient, web: WebShop) -> None:
    content, sha256 = a_photo()
    headers = {**CHUNK, "Upload-Length": str(len(content)), "Upload-Metadata": metadata_of(sha256)}
    answered = client.post("/sync/v1/files", data=content, headers=headers)
    assert (answered.status_code, answered.headers["Upload-Offset"]) == (201, str(len(content)))
    assert web.store.has(sha256)


def test_B5_bytes_at_another_offset_are_refused_with_the_right_one(client: FlaskClient) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    patch(client, url, 0, content[:100])
    answered = patch(client, url, 0, content)
    assert told(answered) == (409, "offset_mismatch")
    assert answered.headers["Upload-Offset"] == "100"
    assert answered.headers["Tus-Resumable"] == "1.0.0"


def test_B5_more_bytes_than_announced_are_refused(client: FlaskClient) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    assert told(patch(client, url, 0, content + b"x")) == (413, "beyond_length")
    assert offset(client, url) == 0


def test_B5_a_wrong_chunk_changes_nothing(client: FlaskClient, web: WebShop) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    right = base64.b64encode(hashlib.sha256(content).digest()).decode()
    damaged = b"x" + content[1:]
    assert told(patch(client, url, 0, damaged, **{"Upload-Checksum": f"sha256 {right}"})) == (460, "checksum_mismatch")
    assert offset(client, url) == 0
    assert patch(client, url, 0, content, **{"Upload-Checksum": f"sha256 {right}"}).status_code == 204
    assert web.store.has(sha256)


@pytest.mark.parametrize("checksum", ["md5 AAAA", "sha256 ???", "sha256"])
def test_B5_a_checksum_that_cannot_be_read_is_refused(client: FlaskClient, checksum: str) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    answered = patch(client, url, 0, content, **{"Upload-Checksum": checksum})
    assert answered.status_code in (400, 460)
    assert offset(client, url) == 0


def test_B5_two_writers_at_once_are_kept_apart(client: FlaskClient, web: WebShop) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    with web.partial.locked(UUID(url.rsplit("/", 1)[1])):
        assert told(patch(client, url, 0, content)) == (423, "upload_locked")
    assert patch(client, url, 0, content).status_code == 204


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"Tus-Resumable": "0.2.2"}, (412, "tus_version")),
        ({"Upload-Length": "many"}, (422, "malformed")),
        ({"Upload-Length": "-1"}, (422, "malformed")),
        ({"Upload-Length": "0"}, (422, "malformed")),
        ({"Upload-Length": "20000001"}, (413, "file_too_large")),
        ({"Upload-Metadata": "sha256 ???"}, (422, "malformed")),
        ({"Upload-Metadata": ""}, (422, "malformed")),
        ({"Upload-Metadata": metadata_of("0" * 63)}, (422, "malformed")),
        ({"Upload-Metadata": metadata_of("0" * 64, mime="application/x-sh")}, (422, "unsupported_file")),
        ({"Upload-Metadata": metadata_of("0" * 64, kind="film")}, (422, "unsupported_file")),
    ],
    ids=lambda value: str(value) if isinstance(value, tuple) else next(iter(value)),
)
def test_B4_a_creation_that_makes_no_sense_is_refused(
    client: FlaskClient, headers: dict[str, str], refusal: tuple[int, str]
) -> None:
    sound = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata_of("0" * 64)}
    assert told(client.post("/sync/v1/files", headers={**sound, **headers})) == refusal


def test_what_of_tus_is_spoken(client: FlaskClient) -> None:
    answered = client.options("/sync/v1/files")
    assert answered.status_code == 204
    assert answered.headers["Tus-Extension"] == "creation,creation-with-upload,checksum,expiration,termination"
    assert answered.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"
    assert answered.headers["Tus-Max-Size"] == "20000000"


def test_a_full_disk_is_told(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    full = OSError(28, os.strerror(28))

    def no_space(*_args: Any) -> None:
        raise full

    monkeypatch.setattr("os.fsync", no_space)
    assert told(patch(client, url, 0, content)) == (507, "storage_full")
