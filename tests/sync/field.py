"""A tablet as the tests of the sync door use it: the engine's own device over the application's HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.crews.models import Crew
from app.identity.models import Person
from app.jobs.models import Assignment, Job
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from mobile_sync.tablet import Tablet
from tests.factories import TabletKey, given_tablet

Assign = Callable[[Job, Crew], Assignment]
TUS = {"Tus-Resumable": "1.0.0"}
REPAIR = {
    "risk_checked": True,
    "isolation": "isolated_proved",
    "fault_location": "lv_line",
    "cause": "storm",
    "voltage_v": 228,
    "result": "restored",
    "customer_told": True,
}


def photo(colour: str = "navy", *, size: tuple[int, int] = (640, 480), fmt: str = "JPEG") -> bytes:
    """A small real image."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, fmt)
    return out.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class FieldTablet:
    """An enrolled tablet with its engine, and the files it still has to send."""

    client: FlaskClient
    headers: Mapping[str, str]
    device_id: UUID
    key: TabletKey
    engine: Tablet
    files: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        answered = self.client.post(f"/sync/v1/{path}", json=body, headers=self.headers)
        assert answered.status_code == 200, answered.get_json()
        return answered.get_json()  # type: ignore[no-any-return]

    def held(self, entity: str) -> dict[UUID, dict[str, Any]]:
        """The documents of one entity that the tablet holds."""
        docs = self.engine.replica.docs.items()
        return {UUID(key.partition("/")[2]): held["doc"] for key, held in docs if key.startswith(f"{entity}/")}

    def result(self, op_no: int) -> Mapping[str, Any]:
        """What became of an op."""
        found = next(entry.result for entry in self.engine.outbox.entries if entry.op_no == op_no)
        assert found is not None
        return found

    def attach(self, job_id: UUID, slot: str, content: bytes, *, kind: str = "photo", mime: str = "image/jpeg",
               **fields: Any) -> tuple[UUID, int]:  # fmt: skip
        """Record a file of a job; the bytes are sent by `send_files`."""
        rec_id = new_id()
        file = {"sha256": sha256(content), "size": len(content), "mime": mime, "kind": kind, "slot": slot}
        self.files[file["sha256"]] = (content, mime, kind)  # type: ignore[index]
        sent = {"job_id": str(job_id), "kind": kind, "slot": slot, **fields}
        return rec_id, self.engine.create("attachment", rec_id, sent, files=[file])

    def begin_upload(self, content: bytes, mime: str, kind: str, *, length: int | None = None) -> TestResponse:
        """Create a tus upload."""
        told = {"sha256": sha256(content), "mime": mime, "kind": kind}
        meta = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())
        headers = {
            **self.headers,
            **TUS,
            "Upload-Length": str(len(content) if length is None else length),
            "Upload-Metadata": meta,
        }
        return self.client.post("/sync/v1/files", headers=headers)

    def send_bytes(self, location: str, piece: bytes, *, offset: int = 0) -> TestResponse:
        """Send a chunk at an offset."""
        headers = {
            **self.headers,
            **TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        return self.client.patch(location, data=piece, headers=headers)

    def send_files(self) -> None:
        """Send every file the server does not have."""
        checked = self.post("blobs/check", {"hashes": list(self.files)})
        for blob in checked["blobs"]:
            content, mime, kind = self.files[blob["sha256"]]
            if blob["state"] == "missing":
                begun = self.begin_upload(content, mime, kind)
                assert begun.status_code == 201, begun.get_json()
                sent = self.send_bytes(begun.headers["Location"], content)
                assert sent.status_code == 204, sent.get_json()


def field_tablet(app: Flask, session: Session, person: Person) -> FieldTablet:
    """A tablet of this person."""
    runtime: Runtime = app.extensions["lamplighter"]
    enrolled = given_tablet(app, session, person)

    def post(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return tablet.post(path, body)

    engine = Tablet(post, clock=runtime.clock)
    tablet = FieldTablet(app.test_client(), enrolled.headers, UUID(enrolled.device_id), enrolled.key, engine)
    return tablet
