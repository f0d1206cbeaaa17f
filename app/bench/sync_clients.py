"""Tablets as a load: requests written before the clock starts, so that what is measured is the server."""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from app.bench.fleet import Tablet

KEPT_S = 1.0  # gunicorn hangs up after two seconds of silence
STREETS = ("Lotus Lane", "Harbour Road", "Mill Street", "West Gate Avenue", "Canal Side", "Old Foundry Yard")


def survey(chance: random.Random, number: int) -> dict[str, Any]:
    """The fields of one record: 15 with a point, some 600 bytes as JSON; synthetic."""
    return {
        "meter_no": f"SX-{number:09d}",
        "kind": chance.choice(("single_phase", "three_phase", "gas")),
        "maker": "Synthetic Meter Works, Second Factory",
        "street": f"{chance.choice(STREETS)} {number % 300}",
        "house": f"{number % 90}-{chance.randrange(9)}",
        "location": {
            "type": "Point",
            "coordinates": [round(113.2 + chance.random() / 5, 7), round(23.1 + chance.random() / 5, 7)],
        },
        "reading_kwh": chance.randrange(100_000) / 10,
        "voltage_v": 220 + chance.randrange(200) / 10,
        "seal_no": f"S{chance.randrange(10**8):08d}",
        "sealed": chance.random() < 0.9,
        "installed_on": f"20{chance.randrange(10, 26)}-0{chance.randrange(1, 10)}-11",
        "height_m": 1.6,
        "tariff": "T2",
        "photos": chance.randrange(4),
        "note": "seen from the street, box locked, " * 5 + str(chance.randrange(1000)),
    }


def op(
    op_no: int, rec_id: UUID, fields: Mapping[str, Any], *, kind: str = "create", base_rev: int = 0
) -> dict[str, Any]:
    """An op as a tablet writes it."""
    return {
        "op_no": op_no,
        "entity": "survey",
        "rec_id": str(rec_id),
        "kind": kind,
        "base_rev": base_rev,
        "fields": fields,
        "device_at": "2026-07-16T08:00:00.000Z",
        "gps": {"lon": 113.3, "lat": 23.2, "accuracy_m": 4.5},
    }


def batches(ops: Sequence[Mapping[str, Any]], size: int) -> list[bytes]:
    """Pushes of `size` ops each."""
    return [batch(ops[at : at + size]) for at in range(0, len(ops), size)]


def batch(ops: Sequence[Mapping[str, Any]]) -> bytes:
    """A push, compressed as tablets send it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    body = {"schema_version": 1, "sent_at": now, "monotonic_ms": 1, "ops": ops}
    return gzip.compress(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), compresslevel=4)


def new_ops(count: int, *, seed: int) -> tuple[list[UUID], list[dict[str, Any]]]:
    """So many creates from op 1 on, and the ids they make."""
    chance = random.Random(seed)
    ids = [uuid7() for _ in range(count)]
    return ids, [op(at, rec_id, survey(chance, at)) for at, rec_id in enumerate(ids, start=1)]


def new_records(count: int, *, seed: int, size: int) -> tuple[list[UUID], list[bytes]]:
    """The same as pushes of `size` ops."""
    ids, ops = new_ops(count, seed=seed)
    return ids, batches(ops, size)


def rewrites(ids: Sequence[UUID], *, base_rev: int, first_op: int, seed: int) -> list[dict[str, Any]]:
    """A new reading and note for each record, which has revision `base_rev`; as long as the old ones."""
    chance = random.Random(seed)
    told = [{name: survey(chance, 0)[name] for name in ("reading_kwh", "note")} for _ in ids]
    return [op(first_op + at, rec_id, told[at], kind="update", base_rev=base_rev) for at, rec_id in enumerate(ids)]


class Line:
    """One tablet's connection, kept alive as long as servers keep one on which nothing is said."""

    def __init__(self, port: int, tablet: Tablet) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self._heard = time.monotonic()
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        self.speak_for(tablet)

    def speak_for(self, tablet: Tablet) -> None:
        """Another tablet from now on, over the same connection."""
        self._headers["Authorization"] = f"Bearer {tablet.token}"

    def post(self, path: str, body: bytes, *, zipped: bool = False) -> tuple[int, bytes]:
        """One request: bytes on the wire and the answer's text.

        Raises:
            RuntimeError: it was refused.
        """
        headers = {**self._headers, "Content-Encoding": "gzip"} if zipped else self._headers
        if time.monotonic() - self._heard > KEPT_S:
            self._connection.close()  # the next request opens another
        self._connection.request("POST", f"/sync/v1/{path}", body, headers)
        answered = self._connection.getresponse()
        raw = answered.read()
        self._heard = time.monotonic()
        packed = answered.headers["Content-Encoding"] == "gzip"
        written = gzip.decompress(raw) if packed else raw
        if answered.status != HTTPStatus.OK:
            raise RuntimeError(f"{path} answered {answered.status}: {written[:300]!r}")
        return len(raw), written

    def push(self, body: bytes) -> bytes:
        """A prepared batch."""
        return self.post("push", body, zipped=True)[1]

    def pull(self, page: Mapping[str, Any] | None = None, *, limit: int = 500) -> tuple[int, bytes]:
        """The page behind `page`, or the first one."""
        return self.post("pull", next_pull(page, limit))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def next_pull(page: Mapping[str, Any] | None, limit: int = 500) -> bytes:
    """What a tablet asks behind a page."""
    told: dict[str, Any] = {"limit": limit, "schema_version": 1}
    if page is not None:
        told |= {"epoch": page["epoch"], "cursors": {state["key"]: state["seq"] for state in page["buckets"]}}
    return json.dumps(told).encode()


def pull_all(line: Line, page: Mapping[str, Any] | None = None) -> tuple[list[dict[str, Any]], int]:
    """All pages behind `page`, and their bytes before compression."""
    pages: list[dict[str, Any]] = []
    size = 0
    while True:
        _, written = line.pull(page, limit=2_000)
        size += len(written)
        page = json.loads(written)
        pages.append(dict(page))
        if not any(state["more"] for state in page["buckets"]):
            return pages, size


def push_each(port: int, loads: Sequence[tuple[Tablet, Sequence[bytes]]]) -> tuple[float, list[bytes]]:
    """All tablets push their batches at once; seconds from the first byte to the last answer, and the answers."""
    ready = threading.Barrier(len(loads) + 1)

    def run(tablet: Tablet, batches: Sequence[bytes]) -> list[bytes]:
        line = Line(port, tablet)
        ready.wait()
        answers = [line.push(body) for body in batches]
        line.close()
        return answers

    with ThreadPoolExecutor(len(loads)) as pool:
        running = [pool.submit(run, tablet, batches) for tablet, batches in loads]
        ready.wait()
        began = time.perf_counter()
        answers = [answer for one in running for answer in one.result()]
        return time.perf_counter() - began, answers
