"""Request bodies as JSON objects, answers as compressed JSON. What a hostile body costs is its refusal, no more."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Request, Response, request
from werkzeug.http import parse_accept_header

from mobile_sync.adapters import texts
from mobile_sync.protocol import MAX_BODY_BYTES, FieldError, SyncProblem

_WORTH_COMPRESSING = 1_024


def read_object(schema: ma.Schema) -> dict[str, Any]:
    """The request's JSON object, its members checked by `schema`.

    Raises:
        SyncProblem: `too_large`, or as `checked_object`.
    """
    return checked_object(_bytes(request), schema)


def checked_object(raw: bytes, schema: ma.Schema) -> dict[str, Any]:
    """A JSON object, its members checked by `schema`.

    Raises:
        SyncProblem: `not_json`, `too_deep` or `malformed`, the last with the members at fault.
    """
    try:
        body = texts.read(raw)
    except RecursionError as error:
        raise SyncProblem("too_deep", 422) from error
    except ValueError as error:
        raise SyncProblem("not_json", 400) from error
    if not isinstance(body, dict):
        raise SyncProblem("not_json", 400)
    try:
        return dict(schema.load(body))
    except ma.ValidationError as error:
        raise SyncProblem("malformed", 422, *_errors(error.messages_dict)) from error


def _bytes(source: Request) -> bytes:
    announced = MAX_BODY_BYTES if source.content_length is None else source.content_length
    if announced > MAX_BODY_BYTES:
        raise SyncProblem("too_large", 413, most_bytes=MAX_BODY_BYTES)
    raw = source.stream.read(announced + 1)  # as much is set aside for it beforehand
    raw = unpacked(raw, source.headers.get("Content-Encoding"))
    if len(raw) > MAX_BODY_BYTES:
        raise SyncProblem("too_large", 413, most_bytes=MAX_BODY_BYTES)
    return raw


def unpacked(raw: bytes, coding: str | None) -> bytes:
    """A body as it was before it was packed for the way.

    Raises:
        SyncProblem: `not_json`, it is not packed as it says.
    """
    if coding != "gzip":
        return raw
    try:
        return zlib.decompressobj(wbits=31).decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise SyncProblem("not_json", 400) from error


def _errors(messages: Mapping[str, Any], path: str = "") -> list[FieldError]:
    errors: list[FieldError] = []
    for name, told in messages.items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(told, Mapping):
            errors += _errors(told, here)
        else:
            unknown = any("Unknown" in str(message) for message in told)
            errors.append(FieldError(here[:200], "unknown_field" if unknown else "invalid"))
    return errors


def answer(body: str | bytes, status: int = 200) -> Response:
    """JSON text, gzip where the client takes it and it pays."""
    plain = body.encode() if isinstance(body, str) else body
    written, headers = packed(plain, request.headers.get("Accept-Encoding"))
    return Response(written, status, headers)


def packed(written: bytes, accepted: str | None) -> tuple[bytes, dict[str, str]]:
    """The bytes of `answer` and their headers; `accepted`: the request's Accept-Encoding."""
    headers = {"Content-Type": "application/json", "Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if len(written) > _WORTH_COMPRESSING and parse_accept_header(accepted)["gzip"] > 0:
        return gzip.compress(written, compresslevel=4, mtime=0), {**headers, "Content-Encoding": "gzip"}
    return written, headers
