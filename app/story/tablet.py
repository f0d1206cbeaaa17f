"""A tablet, over the sync wire (mobile_sync/SPEC.md): enrols with its own key, records offline, pushes, uploads.

It keeps its outbox in memory: what survives a killed tablet is shown by the browser tests of the real one.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import requests
from cryptography.hazmat.primitives.asymmetric import ec

from app.kernel.clock import utc_now
from app.kernel.ids import new_id
from app.story.desk import TIMEOUT_S, Refused

CHUNK = 64 * 1024
CURVE_BYTES = 32


@dataclass
class Tablet:
    """One enrolled tablet. `docs` is its replica by (entity, id), `ops` its outbox, `files` the originals it holds."""

    origin: str
    token: str
    device_id: str
    epoch: str | None = None
    cursors: dict[str, int] = field(default_factory=dict)
    docs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    revs: dict[tuple[str, str], int] = field(default_factory=dict)
    ops: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)
    next_op: int = 1

    @classmethod
    def enrol(cls, origin: str, *, login: str, password: str, code: str) -> Tablet:
        """Make a P-256 key and hand its public half over with the one-time code."""
        numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
        body: dict[str, Any] = {
            "login": login,
            "password": password,
            "code": code,
            "name": "story",
            "public_key": {"kty": "EC", "crv": "P-256", "x": _base64url(numbers.x), "y": _base64url(numbers.y)},
        }
        answer = requests.post(f"{origin}/sync/v1/enrol", json=body, timeout=TIMEOUT_S)
        if not answer.ok:
            raise Refused(answer)
        given = answer.json()
        return cls(origin=origin, token=given["access_token"], device_id=given["device_id"])

    def pull(self) -> None:
        """Bring the replica up to the server; pages until every bucket is complete."""
        while True:
            page = self._post("/sync/v1/pull", {"epoch": self.epoch, "cursors": self.cursors})
            self.epoch = page["epoch"]
            for change in page["changes"]:
                key = (change["entity"], change["id"])
                self.revs[key] = change["rev"]
                if change["gone"]:
                    self.docs.pop(key, None)
                else:
                    self.docs[key] = change["doc"]
            self.cursors = {bucket["key"]: bucket["seq"] for bucket in page["buckets"]}
            if not any(bucket["more"] for bucket in page["buckets"]):
                return

    def one(self, entity: str, **fields: Any) -> tuple[str, dict[str, Any]]:
        """The id and document of the record of an entity whose fields have these values."""
        for (name, rec_id), doc in self.docs.items():
            if name == entity and all(doc.get(field) == value for field, value in fields.items()):
                return rec_id, doc
        raise LookupError(f"no {entity} with {fields} on the tablet")

    def record(self, entity: str, rec_id: str, fields: dict[str, Any], *, kind: str = "update") -> None:
        """Note a change in the outbox, without any link."""
        self.ops.append(
            {
                "op_no": self.next_op,
                "entity": entity,
                "rec_id": rec_id,
                "kind": kind,
                "base_rev": self.revs.get((entity, rec_id), 0),
                "fields": fields,
                "device_at": _wire(utc_now()),
            }
        )
        self.next_op += 1

    def attach(self, job_id: str, *, kind: str, slot: str, content: bytes, mime: str, **more: Any) -> str:
        """Note a photo or signature with its declared file; returns its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.files[sha256] = (content, mime, kind)
        fields = {"job_id": job_id, "kind": kind, "slot": slot, "taken_at": _wire(utc_now()), **more}
        self.record("attachment", str(new_id()), fields, kind="create")
        file = {"sha256": sha256, "size": len(content), "mime": mime, "kind": kind, "slot": slot}
        self.ops[-1]["files"] = [file]
        return sha256

    def push(self) -> list[dict[str, Any]]:
        """Send the whole outbox; returns the results. The outbox is kept, so that a repeat can be sent too."""
        body = {"schema_version": 1, "sent_at": _wire(utc_now()), "monotonic_ms": 0, "ops": self.ops}
        return cast(list[dict[str, Any]], self._post("/sync/v1/push", body)["results"])

    def upload(self, sha256: str, *, stop_after: int | None = None) -> int:
        """Send a file by tus 1.0, from wherever the server has it; returns the offset reached."""
        content, mime, kind = self.files[sha256]
        [known] = self._post("/sync/v1/blobs/check", {"hashes": [sha256]})["blobs"]
        if known["state"] == "verified":
            return len(content)
        url, offset = known.get("upload_url"), int(known.get("offset") or 0)
        if not url:
            url, offset = self._create_upload(sha256, content, mime, kind), 0
        end = min(len(content), stop_after) if stop_after else len(content)
        while offset < end:
            offset = self._patch(url, offset, content[offset : min(offset + CHUNK, end)])
        return offset

    def blob_state(self, sha256: str) -> str:
        """`missing`, `partial` or `verified`."""
        return str(self._post("/sync/v1/blobs/check", {"hashes": [sha256]})["blobs"][0]["state"])

    def _create_upload(self, sha256: str, content: bytes, mime: str, kind: str) -> str:
        metadata = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}"
            for name, value in (("sha256", sha256), ("mime", mime), ("kind", kind))
        )
        headers = {"Upload-Length": str(len(content)), "Upload-Metadata": metadata}
        answer = requests.post(f"{self.origin}/sync/v1/files", headers=self._headers(headers), timeout=TIMEOUT_S)
        if not answer.ok:
            raise Refused(answer)
        return answer.headers["Location"]

    def _patch(self, url: str, offset: int, part: bytes) -> int:
        headers = self._headers({"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"})
        target = url if url.startswith("http") else self.origin + url
        answer = requests.patch(target, data=part, headers=headers, timeout=TIMEOUT_S)
        if not answer.ok:
            raise Refused(answer)
        return int(answer.headers["Upload-Offset"])

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0", **more}

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.post(self.origin + path, json=body, headers=headers, timeout=TIMEOUT_S)
        if not answer.ok:
            raise Refused(answer)
        return cast(dict[str, Any], answer.json())


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(CURVE_BYTES, "big")).decode().rstrip("=")


def _wire(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
