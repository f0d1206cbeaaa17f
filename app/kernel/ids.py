"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that new rows land together at the end of an index."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from uuid_utils.compat import uuid7

NewId = Callable[[], UUID]


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return uuid7()
