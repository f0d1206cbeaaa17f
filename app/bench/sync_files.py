"""A photo over a link that is cut again and again: how many bytes it takes, and whether the right ones arrive."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection

from app.bench.figures import Figure, at_most
from app.bench.fleet import Tablet
from app.bench.processes import HOST
from app.bench.sync_clients import Line
from app.bench.sync_stage import Stage

MB = 1_000_000
PHOTO_BYTES, CUTS, MOST_MB = 5 * MB, 20, 5.3
PIECE_BYTES, PIECES_A_S = 16 * 1024, 1_000  # what a tablet hands to its radio at once, and how often
NOTICED_S = 0.1  # a tablet waits a second or more before it tries again (W10); the server needs less to notice
TORN = struct.pack("ii", 1, 0)  # SO_LINGER: what is under way is lost, as in a tunnel


def measure(stage: Stage) -> Iterator[Figure]:
    """Every other cut tears the link, the rest end it in order."""
    (tablet,) = stage.enrol(1)
    chance = random.Random(20)
    content = chance.randbytes(PHOTO_BYTES)
    upload = Upload(stage.port, tablet, content)
    sent, began = 0, time.perf_counter()
    for turn in range(CUTS):
        most = (PHOTO_BYTES - upload.offset()) // (CUTS - turn)
        sent += upload.send_and_break(chance.randrange(1, most), torn=bool(turn % 2))
        time.sleep(NOTICED_S)
    sent += upload.send_rest()
    if not upload.is_verified():
        raise RuntimeError("the photo was sent and is not verified")
    told = f"{PHOTO_BYTES // MB} MB, link cut {CUTS} times, hash verified; {time.perf_counter() - began:.1f} s"
    yield at_most("sync.photo.sent", sent / MB, "MB", MOST_MB, told)


class Upload:
    """A file on its way by tus 1.0, each request over a connection of its own."""

    def __init__(self, port: int, tablet: Tablet, content: bytes) -> None:
        self._port = port
        self._content = content
        self._line = Line(port, tablet)
        self._sha256 = hashlib.sha256(content).hexdigest()
        self._headers = {"Authorization": f"Bearer {tablet.token}", "Tus-Resumable": "1.0.0"}
        named = {"sha256": self._sha256, "mime": "image/jpeg", "kind": "photo"}
        coded = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in named.items())
        begun = {"Upload-Length": str(len(content)), "Upload-Metadata": coded}
        self._url = self._ask("POST", "/sync/v1/files", begun)["Location"]

    def offset(self) -> int:
        """Bytes the server has."""
        return int(self._ask("HEAD", self._url, {})["Upload-Offset"])

    def send_and_break(self, count: int, *, torn: bool) -> int:
        """Send `count` bytes of all that is left and break the link; returns `count`."""
        at = self.offset()
        connection = HTTPConnection(HOST, self._port, timeout=30)
        connection.putrequest("PATCH", self._url)
        for name, value in {**self._chunk(at), "Content-Length": str(len(self._content) - at)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        for start in range(at, at + count, PIECE_BYTES):
            connection.send(self._content[start : min(start + PIECE_BYTES, at + count)])
            time.sleep(1 / PIECES_A_S)
        if torn:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, TORN)
        connection.close()
        return count

    def send_rest(self, *, piece_bytes: int = PHOTO_BYTES) -> int:
        """Send what the server lacks; returns how many bytes that were."""
        at = begun = self.offset()
        while at < len(self._content):
            piece = self._content[at : at + piece_bytes]
            at = int(self._ask("PATCH", self._url, self._chunk(at), piece)["Upload-Offset"])
        return at - begun

    def is_verified(self) -> bool:
        """Whether the server says so."""
        told = self._line.post("blobs/check", json.dumps({"hashes": [self._sha256]}).encode())[1]
        return bool(json.loads(told)["blobs"][0]["state"] == "verified")

    def _chunk(self, at: int) -> dict[str, str]:
        return {**self._headers, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(at)}

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Mapping[str, str]:
        """Headers of the answer.

        Raises:
            RuntimeError: it was refused.
        """
        connection = HTTPConnection(HOST, self._port, timeout=60)
        try:
            connection.request(method, url, body, {**self._headers, **headers})
            answered = connection.getresponse()
            answered.read()
            if answered.status >= 300:
                raise RuntimeError(f"{method} of a file was answered {answered.status}")
            return dict(answered.headers)
        finally:
            connection.close()
