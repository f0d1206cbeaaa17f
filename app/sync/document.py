"""What the OpenAPI document says of uploads: tus 1.0.0 lives in headers (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.kernel.problem_json import PROBLEM_JSON, ProblemSchema
from mobile_sync.adapters.tus import ALGORITHMS, CHUNK_TYPE, EXTENSIONS, VERSION

Json = dict[str, Any]

_BASE64 = "[A-Za-z0-9+/]+={0,2}"
_BYTES: Json = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}

HEADERS: dict[str, Json] = {
    "Tus-Resumable": {"description": "The version of tus that is spoken.", "schema": {"const": VERSION}},
    "Tus-Version": {"description": "The versions the server speaks.", "schema": {"const": VERSION}},
    "Tus-Extension": {
        "description": "The extensions the server speaks, with commas between.",
        "schema": {"type": "string", "examples": [EXTENSIONS]},
    },
    "Tus-Max-Size": {"description": "Bytes of the largest file that is taken.", "schema": _BYTES},
    "Tus-Checksum-Algorithm": {
        "description": "The algorithms of `Upload-Checksum`, with commas between.",
        "schema": {"type": "string", "examples": [",".join(ALGORITHMS)]},
    },
    "Upload-Length": {"description": "Bytes of the whole file.", "schema": {**_BYTES, "minimum": 1}},
    "Upload-Offset": {"description": "Bytes the server has: where the next chunk begins.", "schema": _BYTES},
    "Upload-Metadata": {
        "description": "Pairs of a name and a value in base64, with commas between: `sha256` (hex), `mime`, `kind`.",
        "schema": {
            "type": "string",
            "pattern": f"^[a-z0-9]+ {_BASE64}(,[a-z0-9]+ {_BASE64})*$",
            "examples": ["mime aW1hZ2UvanBlZw==,kind cGhvdG8="],
        },
    },
    "Upload-Checksum": {
        "description": "Algorithm and digest of this chunk in base64; a chunk that does not fit it is not kept.",
        "schema": {"type": "string", "pattern": f"^({'|'.join(ALGORITHMS)}) {_BASE64}$"},
    },
    "Upload-Expires": {
        "description": "When an upload without further bytes is forgotten.",
        "schema": {"type": "string", "examples": ["Thu, 23 Jul 2026 00:00:00 GMT"]},
    },
    "Location": {"description": "Where to send the bytes.", "schema": {"type": "string", "format": "uri-reference"}},
}
_CHUNK: Json = {CHUNK_TYPE: {"schema": {"type": "string", "format": "binary"}}}


def _sent(required: Iterable[str], optional: Iterable[str] = ()) -> list[Json]:
    """Request headers."""
    named = [(name, True) for name in ("Tus-Resumable", *required)] + [(name, False) for name in optional]
    return [{"in": "header", "name": name, "required": needed, **HEADERS[name]} for name, needed in named]


def _told(*names: str) -> Json:
    """Response headers; every answer names the version of tus."""
    return {name: HEADERS[name] for name in ("Tus-Resumable", *names)}


def _problem(description: str) -> Json:
    return {"description": description, "content": {PROBLEM_JSON: {"schema": ProblemSchema}}}


_PROBLEMS = {
    "409": _problem("The server has another offset, and tells it"),
    "412": _problem("Another version of tus is spoken here"),
}
_REFUSED = {"412": _told("Tus-Version")}
_NOT_DUE = {"409": _told("Upload-Offset"), **_REFUSED}

OPERATIONS: Mapping[str, Json] = {
    "sync_describe_uploads": {
        "security": [],
        "headers": {"204": _told("Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm")},
    },
    "sync_post_upload": {
        "parameters": _sent(["Upload-Length", "Upload-Metadata"], ["Upload-Checksum"]),
        "requestBody": {"required": False, "content": _CHUNK},
        "headers": {"201": _told("Location", "Upload-Offset", "Upload-Expires"), **_NOT_DUE},
    },
    "sync_head_upload": {
        "parameters": _sent([]),
        "headers": {"200": _told("Upload-Offset", "Upload-Length", "Upload-Expires"), **_REFUSED},
    },
    "sync_patch_upload": {
        "parameters": _sent(["Upload-Offset"], ["Upload-Checksum"]),
        "requestBody": {"required": True, "content": _CHUNK},
        "headers": {"204": _told("Upload-Offset", "Upload-Expires"), **_NOT_DUE},
    },
    "sync_delete_upload": {"parameters": _sent([]), "headers": {"204": _told(), **_REFUSED}},
}


def document_uploads(doc: Json, operation: str) -> None:
    """Complete the operations of tus; others are left as they are."""
    tus = OPERATIONS.get(operation, {})
    doc.update({key: value for key, value in tus.items() if key != "headers"})
    for status, headers in tus.get("headers", {}).items():
        answer = doc["responses"].get(status)
        doc["responses"][status] = {**(answer if isinstance(answer, dict) else _PROBLEMS[status]), "headers": headers}
