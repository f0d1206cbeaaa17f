"""The way to a server over HTTP, with the standard library alone: for simulated tablets, load tests and integrators."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urljoin

_TUS = {"Tus-Resumable": "1.0.0"}
_CHUNK = {**_TUS, "Content-Type": "application/offset+octet-stream"}


class Refused(Exception):
    """The server said no: HTTP status and the problem's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


@dataclass
class HttpLink:
    """Calls under `base` (`https://host/sync/v1/`) with a bearer token. An instance is a `tablet.Post`.

    No answer at all is an `OSError`, as `urllib` raises it.
    """

    base: str
    token: str
    timeout_s: float = 30.0

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST a JSON object; returns the answer's object.

        Raises:
            Refused: any problem of the server.
        """
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
        written = gzip.compress(json.dumps(body).encode(), compresslevel=4)
        raw, told = self._send("POST", path, written, headers)
        answer: Mapping[str, Any] = json.loads(gzip.decompress(raw) if told["Content-Encoding"] == "gzip" else raw)
        return answer

    def upload(self, content: bytes, *, mime: str, kind: str, chunk_bytes: int = 256 * 1024) -> str:
        """Send a file, going on where the server is; returns its SHA-256 once the server has verified it.

        Raises:
            Refused: as above; `hash_mismatch` when what arrived is not what was sent.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        state = self("blobs/check", {"hashes": [sha256]})["blobs"][0]
        if state["state"] == "verified":
            return sha256
        url = state.get("upload_url") or self._create(sha256, len(content), mime, kind)
        at = self._offset(url)
        while at < len(content):
            piece = content[at : at + chunk_bytes]
            told = self._send("PATCH", url, piece, {**_CHUNK, "Upload-Offset": str(at), **_checksum(piece)})[1]
            at = int(told["Upload-Offset"])
        return sha256

    def _create(self, sha256: str, size: int, mime: str, kind: str) -> str:
        meta = {"sha256": sha256, "mime": mime, "kind": kind}
        coded = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in meta.items())
        headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": coded}
        return str(self._send("POST", "files", b"", headers)[1]["Location"])

    def _offset(self, url: str) -> int:
        return int(self._send("HEAD", url, None, _TUS)[1]["Upload-Offset"])

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[bytes, Message]:
        url = urljoin(self.base, path)
        if not url.startswith(("http://", "https://")):
            raise ValueError("the base of a link is an http address")
        all_headers = {"Authorization": f"Bearer {self.token}", **headers}
        asked = urllib.request.Request(url, body, all_headers, method=method)  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(asked, timeout=self.timeout_s) as answer:  # noqa: S310
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            raise Refused(error.code, _code_of(error.read())) from error


def _checksum(piece: bytes) -> dict[str, str]:
    return {"Upload-Checksum": "sha256 " + base64.b64encode(hashlib.sha256(piece).digest()).decode()}


def _code_of(raw: bytes) -> str:
    try:
        return str(json.loads(raw).get("code", ""))
    except (ValueError, AttributeError):
        return ""
