"""How an upload ends: read again and kept, refused, given up, or collected."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from mobile_sync.adapters.s3_store import S3Store
from mobile_sync.adapters.uploads import devices_sending, drop_orphans, expire_uploads
from mobile_sync.blobs import BucketAddress
from mobile_sync.testing import Ticker
from tests.mobile_sync.files import (
    TUS,
    a_device,
    a_photo,
    begin,
    check,
    client_of,
    offset,
    patch,
)
from tests.mobile_sync.sample import Shop
from tests.mobile_sync.test_http import told
from tests.mobile_sync.web import WebShop
from tests.object_store import nobody_there


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
