"""Cells of COPY in PostgreSQL's binary form: nobody writes numbers, times and ids as digits and reads them again.

Each is its length in bytes (-1: null) and its bytes, big-endian. The widths must be those of the columns: the server
takes nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from uuid import UUID

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
TRUE, FALSE = b"\0\0\0\1\1", b"\0\0\0\1\0"
_SIXTEEN = b"\0\0\0\x10"
_BEGUN = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BIGINT, _INTEGER, _COLUMNS = Struct(">iq").pack, Struct(">ii").pack, Struct(">h").pack


def row_head(columns: int) -> bytes:
    """What each row begins with."""
    return _COLUMNS(columns)


def bigint(value: int | None) -> bytes:
    """Eight bytes wide."""
    return NULL if value is None else _BIGINT(8, value)


def integer(value: int) -> bytes:
    """Four bytes wide."""
    return _INTEGER(4, value)


def text(value: str) -> bytes:
    """Text, and JSON in a column of type json."""
    raw = value.encode()
    return len(raw).to_bytes(4, "big") + raw


word = lru_cache(256)(text)
"""One of few texts that come again and again."""


def jsonb(value: str) -> bytes:
    """JSON text for a column of type jsonb: its first byte says in what version it is sent."""
    return text(f"\1{value}")


def uuid(value: UUID | None) -> bytes:
    """An id."""
    return NULL if value is None else _SIXTEEN + value.int.to_bytes(16, "big")


def moment(at: datetime | None) -> bytes:
    """A time with a zone: microseconds since the year 2000."""
    return NULL if at is None else _BIGINT(8, (at - _BEGUN) // _MICROSECOND)
