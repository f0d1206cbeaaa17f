"""Cursor paging and the strict schema every room's schemas inherit from."""

from __future__ import annotations

import base64
import json
from typing import Any

import marshmallow as ma

from app.kernel.problems import FieldError, Invalid

PAGE_LIMIT = 200


class StrictSchema(ma.Schema):
    """Unknown fields are refused, by name. Every schema of the house inherits from it."""

    class Meta:
        """Unknown input is an error, never a silence."""

        unknown = ma.RAISE


class PageArgs(StrictSchema):
    """`cursor` from the previous page's `next`, `limit` rows."""

    cursor = ma.fields.String(validate=ma.validate.Length(max=400))
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, PAGE_LIMIT))


def encode_cursor(*keys: Any) -> str:
    """An opaque place in an ordered list: the sort keys of the last row."""
    return base64.urlsafe_b64encode(json.dumps([str(key) for key in keys]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *, keys: int) -> list[str] | None:
    """The sort keys of a cursor, or None at the start.

    Raises:
        Invalid: it is not one of ours.
    """
    if cursor is None:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise Invalid(FieldError("cursor", "invalid")) from error
    if not (isinstance(values, list) and len(values) == keys and all(isinstance(value, str) for value in values)):
        raise Invalid(FieldError("cursor", "invalid"))
    return values
