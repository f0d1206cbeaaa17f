"""The way to a server over HTTP, with the standard library alone: for simulated tablets, load tests and integrators."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import json
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urljoin

from mobile_sync.bundle import MIME
from mobile_sync.kept import KeptFile
from mobile_sync.lines import BrokenAnswer, pages_of
from mobile_sync.sending import send_file

_TUS = {"Tus-Resumable": "1.0.0"}
_ANSWERED = {"Accept-Encoding": "gzip"}
_CHUNK = {**_TUS, "Content-Type": "application/offset+octet-stream"}
_JSON = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
_PIECE = 64 * 1024


class Refused(Exception):
    """The server said no: HTTP status and the problem's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


def read_answer(raw: bytes, coding: str | None = None) -> Mapping[str, Any]:
    """A JSON object from an answer's body.

    Raises:
        BrokenAnswer: cut off or garbled on its way.
    """
    try:
        answer = json.loads(gzip.decompress(raw) if coding == "gzip" else raw)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise BrokenAnswer(str(error)) from error
    if not isinstance(answer, dict):
        raise BrokenAnswer("not an object")
    return answer


@dataclass
class HttpLink:
    """Calls under `base` (`https://host/sync/v1/`) with a bearer token: a `tablet.Post` and a `sending.FileWire`.

    No answer at all, or half of one, is an `OSError`.
    """

    base: str
    token: str
    timeout_s: float = 30.0

    keep_s: int | None = None  # as the server last said (B9)
    renew: Callable[[], str | None] = lambda: None  # a fresh token, or None; asked once when the present one is refused

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST a JSON object; returns the answer's object.

        Raises:
            Refused: any problem of the server.
        """
        return self._object("POST", path, _packed(body), _JSON)

    def deliver(self, bundle: bytes) -> Mapping[str, Any]:
        """Deliver a sealed bundle (V4); returns what became of it, with the receipt. Raises as a call."""
        return self._object("POST", "bundles", bundle, {"Content-Type": MIME, **_ANSWERED})

    def _object(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Mapping[str, Any]:
        raw, told = self._send(method, path, body, headers)
        return read_answer(raw, told["Content-Encoding"])

    def get(self, path: str) -> Mapping[str, Any]:
        """GET an object.

        Raises:
            Refused: any problem of the server.
        """
        return self._object("GET", path, None, _ANSWERED)

    def snapshot(self, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Pull as one stream, page by page as they arrive (L13).

        Raises:
            Refused: as above; 404 or 405 by a server that has no streams.
            BrokenAnswer: it was cut off; the pages before are good (L14).
        """
        with self._open("POST", "snapshot", _packed(body), _JSON) as answer:
            pieces = iter(lambda: answer.read1(_PIECE), b"")
            yield from pages_of(pieces, answer.headers["Content-Encoding"])

    def upload(self, content: bytes, *, mime: str, kind: str, chunk_bytes: int = 256 * 1024) -> str:
        """Send a file, going on where the server is; returns its SHA-256 once the server has verified it.

        Raises:
            Refused: as above; `hash_mismatch` when what arrived is not what was sent.
            BrokenAnswer: all was sent and the server has not verified it.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        if not send_file(self, sha256, KeptFile(len(content), mime, kind), content, chunk_bytes):
            raise BrokenAnswer("the file was sent and is not verified")
        return sha256

    def check(self, hashes: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Where the server stands with these files."""
        told = self("blobs/check", {"hashes": list(hashes)})
        self.keep_s = told.get("keep_s", self.keep_s)
        states: Sequence[Mapping[str, Any]] = told["blobs"]
        return states

    def begin(self, sha256: str, file: KeptFile) -> str:
        """Create an upload."""
        meta = {"sha256": sha256, "mime": file.mime, "kind": file.kind}
        coded = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in meta.items())
        headers = {**_TUS, "Upload-Length": str(file.size), "Upload-Metadata": coded}
        return str(self._send("POST", "files", b"", headers)[1]["Location"])

    def offset(self, url: str) -> int:
        """Bytes the server has."""
        return int(self._send("HEAD", url, None, _TUS)[1]["Upload-Offset"])

    def send(self, url: str, at: int, piece: bytes) -> int:
        """Send bytes with their checksum."""
        told = self._send("PATCH", url, piece, {**_CHUNK, "Upload-Offset": str(at), **checksum_header(piece)})[1]
        return int(told["Upload-Offset"])

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[bytes, Message]:
        with self._open(method, path, body, headers) as answer:
            return answer.read(), answer.headers

    @contextmanager
    def _open(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer while it is read; an answer that breaks off is told as such."""
        url = urljoin(self.base, path)
        if not url.startswith(("http://", "https://")):
            raise ValueError("the base of a link is an http address")
        try:
            with self._renewed(method, url, body, headers) as answer:
                yield answer
        except http.client.HTTPException as error:
            raise BrokenAnswer(str(error)) from error

    def _renewed(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        try:
            return self._asked(method, url, body, headers)
        except Refused as refused:
            token = self.renew() if refused.status == 401 else None
            if token is None:
                raise
        self.token = token
        return self._asked(method, url, body, headers)

    def _asked(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        all_headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **headers}
        asked = urllib.request.Request(url, body, all_headers, method=method)  # noqa: S310 - checked above
        try:
            return urllib.request.urlopen(asked, timeout=self.timeout_s)  # noqa: S310
        except urllib.error.HTTPError as error:
            raise Refused(error.code, _code_of(error)) from error


def _packed(body: Mapping[str, Any]) -> bytes:
    return gzip.compress(json.dumps(body).encode(), compresslevel=4)


def checksum_header(piece: bytes) -> dict[str, str]:
    """tus: the server takes the piece only whole and right (B5)."""
    return {"Upload-Checksum": "sha256 " + base64.b64encode(hashlib.sha256(piece).digest()).decode()}


def _code_of(error: urllib.error.HTTPError) -> str:
    """The problem's code; an answer that broke off has none."""
    try:
        return str(json.loads(error.read()).get("code", ""))
    except (ValueError, AttributeError, OSError, http.client.HTTPException):
        return ""
