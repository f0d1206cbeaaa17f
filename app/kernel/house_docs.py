"""What the OpenAPI document says of the habits every door shares: keys, revisions, refusals."""

from __future__ import annotations

from typing import Any

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

KEY_PARAMETER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "minLength": 8, "maxLength": 100, "pattern": "^[\\x21-\\x7e]+$"},
    "description": "A fresh key a write; a repeat with the same key gets the first answer again.",
}
REVISION_PARAMETER = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string", "pattern": '^("[0-9]{1,9}"|\\*)$'},
    "description": "The ETag that was read: the revision the change is made on.",
}
REVISION_HEADER = {
    "ETag": {
        "description": "The revision, for If-Match.",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
    }
}
NOT_SIGNED_IN, TRY_LATER, OTHERWISE = "NOT_SIGNED_IN", "TRY_LATER", "DEFAULT_ERROR"
# What a refusal carries besides its body, by the name of its response.
REFUSAL_HEADERS = {
    NOT_SIGNED_IN: (
        "Nobody is signed in, or the token is no longer good",
        {"WWW-Authenticate": {"description": "How to sign in.", "schema": {"type": "string"}}},
    ),
    TRY_LATER: (
        "Too many requests, or a part of the server is away",
        {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}},
    ),
}
_RESPONSE_OF = {401: NOT_SIGNED_IN, 429: TRY_LATER, 503: TRY_LATER}


def document_house_rules(doc: dict[str, Any], info: dict[str, Any], *, method: str, **_: Any) -> dict[str, Any]:
    """Complete one operation of the document."""
    house = info["house"]
    doc["operationId"] = house["operation"]
    if house["anyone"]:
        doc["security"] = []
    if house["key"]:
        doc.setdefault("parameters", []).append(KEY_PARAMETER)
    if house["revision"]:
        doc.setdefault("parameters", []).append(REVISION_PARAMETER)
    responses = doc.setdefault("responses", {})
    responses.pop("default", None)  # every status there is has its own line
    for status in _documented_errors(method):
        responses.setdefault(str(status), refusal(status))
    return doc


def refusal(status: int) -> str:
    """The name of the response that stands for a refusal with this status."""
    return _RESPONSE_OF.get(status, OTHERWISE)


def _documented_errors(method: str) -> list[int]:
    common = [400, 401, 403, 404, 422, 429, 500, 503]
    if method.upper() in UNSAFE:
        common += [409, 412, 413, 415, 428]
    return common
