"""Files by tus 1.0, with a client that is not ours (tuspy), and with a link that is cut anywhere."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import obstore
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tusclient.client import TusClient
from uuid_utils.compat import uuid7
from werkzeug.test import TestResponse

from mobile_sync.adapters.local_store import LocalStore
from mobile_sync.adapters.s3_store import S3Store
from mobile_sync.adapters.tables import blob
from mobile_sync.adapters.uploads import devices_sending, drop_orphans, expire_uploads, missing_files
from mobile_sync.blobs import BucketAddress
from mobile_sync.link import HttpLink
from mobile_sync.testing import Ticker
from tests.mobile_sync.sample import Shop
from tests.mobile_sync.test_http import batch, op, told
from tests.mobile_sync.web import WebShop, make_app, serving
from tests.object_store import nobody_there

CHUNK = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(params=["folder", "bucket"])
def web(shop: Shop, tmp_path: Path, request: pytest.FixtureRequest) -> WebShop:
    """The shop with a door, its files in a folder or in an S3 bucket."""
    if request.param == "folder":
        return WebShop(shop, tmp_path)
    bucket: BucketAddress = request.getfixturevalue("bucket")
    return WebShop(shop, tmp_path, S3Store(replace(bucket, prefix=tmp_path.name)))


def a_device(shop: Shop, *shelves: str) -> UUID:
    """An enrolled device."""
    device_id = uuid7()
    shop.scopes[device_id] = set(shelves)
    return device_id


def client_of(web: WebShop, device_id: UUID) -> FlaskClient:
    """Speaks for a device."""
    client = make_app(web).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {device_id}"
    return client


@pytest.fixture
def client(web: WebShop) -> FlaskClient:
    """A device with shelf a."""
    return client_of(web, a_device(web.shop, "a"))


def a_photo(size: int = 5_000, seed: int = 1) -> tuple[bytes, str]:
    """Bytes and their SHA-256."""
    content = hashlib.shake_128(str(seed).encode()).digest(size)
    return content, hashlib.sha256(content).hexdigest()


def metadata_of(sha256: str, **others: str) -> str:
    """`Upload-Metadata`."""
    pairs = {"sha256": sha256, "mime": "image/jpeg", "kind": "photo", **others}
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


def begin(client: FlaskClient, sha256: str, size: int, **others: str) -> TestResponse:
    """Create an upload."""
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata_of(sha256, **others)}
    return client.post("/sync/v1/files", headers=headers)


def patch(client: FlaskClient, url: str, at: int, content: bytes, **headers: str) -> TestResponse:
    """Send a chunk."""
    return client.patch(url, data=content, headers={**CHUNK, "Upload-Offset": str(at), **headers})


def checksum_of(piece: bytes) -> str:
    """As the original protocol examples do it."""
    return "sha1 " + base64.b64encode(hashlib.sha1(piece, usedforsecurity=False).digest()).decode()


def offset(client: FlaskClient, url: str) -> int:
    """Where the server stands."""
    return int(client.head(url, headers=TUS).headers["Upload-Offset"])


def check(client: FlaskClient, *hashes: str) -> list[Any]:
    """`blobs/check`."""
    return client.post("/sync/v1/blobs/check", json={"hashes": list(hashes)}).get_json()["blobs"]


@pytest.fixture
def address(web: WebShop) -> Iterator[str]:
    """A real server."""
    with serving(make_app(web)) as address:
        yield address


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


def test_B1_several_records_may_name_one_file(client: FlaskClient, shop: Shop) -> None:
    content, sha256 = a_photo()
    file = {"sha256": sha256, "size": len(content), "mime": "image/jpeg", "kind": "photo"}
    ids = [str(uuid7()) for _ in range(2)]
    ops = [op(number, rec_id=rec_id, files=[{**file, "slot": f"s{number}"}]) for number, rec_id in enumerate(ids, 1)]
    client.post("/sync/v1/push", json=batch(*ops))
    with shop.unit() as ctx:
        missing = [missing_files(ctx.session, "note", UUID(rec_id)) for rec_id in ids]
    assert missing == [[("s1", sha256)], [("s2", sha256)]]
    patch(client, begin(client, sha256, len(content)).headers["Location"], 0, content)
    with shop.unit() as ctx:
        assert [missing_files(ctx.session, "note", UUID(rec_id)) for rec_id in ids] == [[], []]


def test_B2_declared_is_verified_plus_missing(client: FlaskClient, shop: Shop) -> None:
    (one, one_hash), (_two, two_hash) = a_photo(seed=1), a_photo(seed=2)
    rec_id = str(uuid7())
    files = [
        {"sha256": sha256, "size": 5_000, "mime": "image/jpeg", "kind": "photo", "slot": slot}
        for slot, sha256 in (("before", one_hash), ("after", two_hash))
    ]
    result = client.post("/sync/v1/push", json=batch(op(rec_id=rec_id, files=files))).get_json()["results"][0]
    assert result["status"] == "applied"
    with shop.unit() as ctx:
        assert [slot for slot, _ in missing_files(ctx.session, "note", UUID(rec_id))] == ["after", "before"]
    url = begin(client, one_hash, len(one)).headers["Location"]
    patch(client, url, 0, one)
    with shop.unit() as ctx:
        assert missing_files(ctx.session, "note", UUID(rec_id)) == [("after", two_hash)]


def test_B3_check_tells_what_to_do(client: FlaskClient) -> None:
    (one, one_hash), (two, two_hash), (_, three_hash) = a_photo(seed=1), a_photo(seed=2), a_photo(seed=3)
    patch(client, begin(client, one_hash, len(one)).headers["Location"], 0, one)
    url = begin(client, two_hash, len(two)).headers["Location"]
    patch(client, url, 0, two[:100])
    assert check(client, one_hash, two_hash, three_hash) == [
        {"sha256": one_hash, "state": "verified"},
        {"sha256": two_hash, "state": "partial", "upload_url": url, "offset": 100},
        {"sha256": three_hash, "state": "missing"},
    ]


def test_B4_the_first_bytes_may_come_with_the_creation(client: FlaskClient, web: WebShop) -> None:
    content, sha256 = a_photo()
    headers = {**CHUNK, "Upload-Length": str(len(content)), "Upload-Metadata": metadata_of(sha256)}
    answered = client.post("/sync/v1/files", data=content, headers=headers)
    assert (answered.status_code, answered.headers["Upload-Offset"]) == (201, str(len(content)))
    assert web.store.has(sha256)


def test_B4_content_that_is_here_is_answered_at_once(web: WebShop) -> None:
    content, sha256 = a_photo()
    first, second = (client_of(web, a_device(web.shop, "a")) for _ in range(2))
    patch(first, begin(first, sha256, len(content)).headers["Location"], 0, content)
    answered = begin(second, sha256, len(content))
    assert (answered.status_code, answered.headers["Upload-Offset"]) == (201, str(len(content)))
    assert offset(second, answered.headers["Location"]) == len(content)
    assert len(web.verified) == 1


def objects(web: WebShop) -> list[str]:
    """The names of all that is in the store."""
    if isinstance(web.store, S3Store):
        return [found["path"] for page in obstore.list(web.store._bucket) for found in page]
    assert isinstance(web.store, LocalStore)
    return [path.name for path in web.store.root.rglob("*") if path.is_file()]


def test_I20_two_devices_sending_the_same_photo_store_one(web: WebShop) -> None:
    content, sha256 = a_photo()
    first, second = (client_of(web, a_device(web.shop, "a")) for _ in range(2))
    urls = [begin(client, sha256, len(content)).headers["Location"] for client in (first, second)]
    assert patch(first, urls[0], 0, content).status_code == 204
    assert patch(second, urls[1], 0, content).status_code == 204
    assert len(web.verified) == 1
    assert len(objects(web)) == 1


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


def test_B6_a_hash_that_lies_is_found_and_the_bytes_are_discarded(client: FlaskClient, web: WebShop) -> None:
    content, _ = a_photo(seed=1)
    _, another = a_photo(seed=2)
    url = begin(client, another, len(content)).headers["Location"]
    assert told(patch(client, url, 0, content)) == (422, "hash_mismatch")
    assert not web.store.has(another)
    assert check(client, another) == [{"sha256": another, "state": "missing"}]
    assert client.head(url, headers=TUS).status_code == 404
    assert not any(web.partial.root.iterdir())


def test_B6_what_the_application_refuses_is_discarded(client: FlaskClient, web: WebShop) -> None:
    content = b"MZ" + bytes(1_000)
    sha256 = hashlib.sha256(content).hexdigest()
    url = begin(client, sha256, len(content)).headers["Location"]
    assert told(patch(client, url, 0, content)) == (422, "not_a_photo")
    assert not web.store.has(sha256)


@pytest.mark.parametrize("died", ["before the hash was checked", "after the file was stored"])
def test_B6_a_crash_after_the_last_byte_is_mended(client: FlaskClient, web: WebShop, died: str) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    path = web.partial.path(UUID(url.rsplit("/", 1)[1]))
    path.write_bytes(content)
    if died == "after the file was stored":
        web.store.put(sha256, path)
    assert check(client, sha256)[0]["state"] != "verified"
    assert offset(client, url) == len(content)
    assert check(client, sha256) == [{"sha256": sha256, "state": "verified"}]
    assert len(web.verified) == 1


def test_B7_an_upload_belongs_to_its_device(client: FlaskClient, web: WebShop) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    stranger = client_of(web, a_device(web.shop, "a"))
    assert stranger.head(url, headers=TUS).status_code == 404
    assert told(patch(stranger, url, 0, content)) == (404, "unknown_upload")
    assert told(stranger.delete(url, headers=TUS)) == (404, "unknown_upload")


def test_B7_an_upload_can_be_ended(client: FlaskClient, web: WebShop) -> None:
    content, sha256 = a_photo()
    url = begin(client, sha256, len(content)).headers["Location"]
    patch(client, url, 0, content[:10])
    assert client.delete(url, headers=TUS).status_code == 204
    assert client.head(url, headers=TUS).status_code == 404
    assert not any(web.partial.root.iterdir())


def test_B7_an_upload_expires(client: FlaskClient, web: WebShop, clock: Ticker) -> None:
    content, sha256 = a_photo()
    created = begin(client, sha256, len(content))
    assert created.headers["Upload-Expires"] == "Thu, 23 Jul 2026 00:00:00 GMT"
    patch(client, created.headers["Location"], 0, content[:10])
    clock.tick(days=7)
    assert client.head(created.headers["Location"], headers=TUS).status_code == 410
    with web.shop.unit() as ctx:
        assert expire_uploads(ctx.session, web.partial, clock()) == 1
    assert not any(web.partial.root.iterdir())
    clock.at -= timedelta(days=7)
    assert check(client, sha256) == [{"sha256": sha256, "state": "missing"}]


def test_B7_what_a_revoked_device_has_half_sent_is_collected_and_what_is_verified_stays(web: WebShop) -> None:
    """I21."""
    (whole, whole_hash), (half, half_hash) = a_photo(seed=1), a_photo(seed=2)
    lost, mate = a_device(web.shop, "a"), a_device(web.shop, "a")
    for device_id, content, sha256, sent in (
        (lost, whole, whole_hash, 5_000),
        (lost, half, half_hash, 4_000),
        (mate, half, half_hash, 3_000),
    ):
        client = client_of(web, device_id)
        patch(client, begin(client, sha256, len(content)).headers["Location"], 0, content[:sent])
    with web.shop.unit() as ctx:
        assert devices_sending(ctx.session) == {lost, mate}
        assert expire_uploads(ctx.session, web.partial, ctx.now, revoked={lost}) == 1
    assert [path.stat().st_size for path in web.partial.root.iterdir()] == [3_000], "the other device's goes on"
    assert web.store.open(whole_hash).read() == whole


def test_B7_bytes_that_no_upload_owns_are_collected_when_they_are_old(
    client: FlaskClient, web: WebShop, clock: Ticker
) -> None:
    content, sha256 = a_photo()
    patch(client, begin(client, sha256, len(content)).headers["Location"], 0, content[:10])
    old, young = uuid7(), uuid7()
    for upload_id, age in ((old, timedelta(days=8)), (young, timedelta(days=6))):
        web.partial.begin(upload_id)
        at = (clock() - age).timestamp()
        os.utime(web.partial.path(upload_id), (at, at))
    with web.shop.unit() as ctx:
        assert drop_orphans(ctx.session, web.partial, clock()) == 1
    assert web.partial.offset(old) is None
    assert web.partial.offset(young) == 0
    assert check(client, sha256)[0]["state"] == "partial"


def test_B1_two_devices_that_send_one_photo_at_once_store_it_once(web: WebShop, address: str) -> None:
    """I20."""
    content, sha256 = a_photo(600_000)
    senders = [HttpLink(f"{address}/sync/v1/", str(a_device(web.shop, "a"))) for _ in range(2)]
    with ThreadPoolExecutor(2) as devices:
        told = list(devices.map(lambda link: link.upload(content, mime="image/jpeg", kind="photo"), senders))
    assert told == [sha256, sha256]
    assert web.store.open(sha256).read() == content
    assert len(web.verified) == 1
    with web.shop.unit() as ctx:
        assert ctx.session.execute(select(blob.c.sha256, blob.c.state)).all() == [(bytes.fromhex(sha256), "verified")]
    assert not any(web.partial.root.iterdir())


def test_B6_while_the_store_is_away_the_bytes_wait_and_go_on_when_it_is_back(
    shop: Shop, tmp_path: Path, bucket: BucketAddress
) -> None:
    content, sha256 = a_photo()
    device_id = a_device(shop, "a")
    away = WebShop(shop, tmp_path, S3Store(nobody_there(bucket)))
    client = client_of(away, device_id)
    url = begin(client, sha256, len(content)).headers["Location"]
    assert told(patch(client, url, 0, content)) == (503, "store_unavailable")
    assert check(client, sha256) == [{"sha256": sha256, "state": "partial", "upload_url": url, "offset": len(content)}]
    back = WebShop(shop, tmp_path, S3Store(replace(bucket, prefix=tmp_path.name)))
    client = client_of(back, device_id)
    assert offset(client, url) == len(content)
    assert check(client, sha256) == [{"sha256": sha256, "state": "verified"}]
    assert client.get(f"/sync/v1/blobs/{sha256}").data == content
    assert told(client_of(away, device_id).get(f"/sync/v1/blobs/{sha256}")) == (503, "store_unavailable")


def test_B8_a_part_of_a_file_can_be_read(client: FlaskClient) -> None:
    content, sha256 = a_photo()
    patch(client, begin(client, sha256, len(content)).headers["Location"], 0, content)
    answered = client.get(f"/sync/v1/blobs/{sha256}", headers={"Range": "bytes=1000-1999"})
    assert (answered.status_code, answered.data) == (206, content[1_000:2_000])
    assert answered.headers["Content-Range"] == "bytes 1000-1999/5000"
    assert client.get(f"/sync/v1/blobs/{sha256}", headers={"Range": "bytes=9000-"}).status_code == 416
    assert client.get(f"/sync/v1/blobs/{sha256}", headers={"If-None-Match": f'"{sha256}"'}).status_code == 304


def test_B8_a_file_is_read_by_those_who_hold_a_record_naming_it(web: WebShop) -> None:
    content, sha256 = a_photo()
    sender, mate, stranger = (a_device(web.shop, shelf) for shelf in ("a", "a", "b"))
    files = [{"sha256": sha256, "size": len(content), "mime": "image/jpeg", "kind": "photo", "slot": "before"}]
    client = client_of(web, sender)
    client.post("/sync/v1/push", json=batch(op(files=files)))
    patch(client, begin(client, sha256, len(content)).headers["Location"], 0, content)
    for device_id in (mate, stranger):
        client_of(web, device_id).post("/sync/v1/pull", json={})
    read = client_of(web, mate).get(f"/sync/v1/blobs/{sha256}")
    assert (read.data, read.mimetype) == (content, "image/jpeg")
    assert client.get(f"/sync/v1/blobs/{sha256}").data == content
    assert told(client_of(web, stranger).get(f"/sync/v1/blobs/{sha256}")) == (404, "unknown_blob")


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
