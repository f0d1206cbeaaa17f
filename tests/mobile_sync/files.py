"""Speaking tus and asking about files, for tests of the routes."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from uuid_utils.compat import uuid7
from werkzeug.test import TestResponse

from tests.mobile_sync.sample import Shop
from tests.mobile_sync.web import WebShop, make_app

CHUNK = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
TUS = {"Tus-Resumable": "1.0.0"}


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
