"""Files as the server knows them: declared, asked about, stored once, read by those who may."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import obstore
from flask.testing import FlaskClient
from sqlalchemy import select
from uuid_utils.compat import uuid7

from mobile_sync.adapters.local_store import LocalStore
from mobile_sync.adapters.s3_store import S3Store
from mobile_sync.adapters.tables import blob
from mobile_sync.adapters.uploads import missing_files
from mobile_sync.link import HttpLink
from tests.mobile_sync.files import (
    a_device,
    a_photo,
    begin,
    check,
    client_of,
    offset,
    patch,
)
from tests.mobile_sync.sample import Shop
from tests.mobile_sync.test_http import batch, op, told
from tests.mobile_sync.web import WebShop


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
