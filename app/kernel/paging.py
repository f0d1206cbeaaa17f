"""Cursor paging and the strict schema every room's schemas inherit from."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import marshmallow as ma

from app.kernel.problems import FieldError, Invalid

PAGE_LIMIT = 200


class StrictSchema(ma.Schema):
    """Unknown fields are refused, by name. Every schema of the house inherits from it."""

    class Meta:
        """Unknown input is an error, never a silence."""

        unknown = ma.RAISE

    @ma.pre_load
    def refuse_unstorable_text(self, data: Any, **_: Any) -> Any:
        """PostgreSQL's text holds neither NUL nor half of a surrogate pair; JSON can carry both."""
        found = {str(field): ["unstorable"] for field, value in _items(data) if not _storable(value)}
        if found:
            raise ma.ValidationError(found)
        return data


def _items(data: Any) -> list[tuple[Any, Any]]:
    return list(data.items()) if isinstance(data, Mapping) else []


def _storable(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, Mapping):
        return all(_storable(key) and _storable(part) for key, part in value.items())
    if isinstance(value, list):
        return all(map(_storable, value))
    return True


class PageArgs(StrictSchema):
    """`cursor` from the previous page's `next`, `limit` rows."""

    cursor = ma.fields.String(validate=ma.validate.Length(max=400))
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, PAGE_LIMIT))


Row = TypeVar("Row")


def page(rows: Sequence[Row], limit: int, keys: Callable[[Row], tuple[Any, ...]]) -> dict[str, Any]:
    """`{items, next}` from up to `limit` + 1 rows; `keys` are the sort keys of a row."""
    more = len(rows) > limit
    return {"items": rows[:limit], "next": encode_cursor(*keys(rows[limit - 1])) if more else None}


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
    if not (isinstance(values, list) and len(values) == keys and all(_is_key(value) for value in values)):
        raise Invalid(FieldError("cursor", "invalid"))
    return values


def _is_key(value: object) -> bool:
    """Text that PostgreSQL can compare with: it knows no NUL."""
    return isinstance(value, str) and "\x00" not in value


def uuid_key(value: str) -> UUID:
    """A cursor's key that is an id.

    Raises:
        Invalid: the cursor was tampered with.
    """
    try:
        return UUID(value)
    except ValueError as error:
        raise Invalid(FieldError("cursor", "invalid")) from error


def time_key(value: str) -> datetime:
    """A cursor's key that is an aware time.

    Raises:
        Invalid: the cursor was tampered with.
    """
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise Invalid(FieldError("cursor", "invalid")) from error
    if time.tzinfo is None:
        raise Invalid(FieldError("cursor", "invalid"))
    return time
