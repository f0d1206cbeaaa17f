"""Many rows in one statement, cheaply: COPY for what is only added, arrays as PostgreSQL's own text for the rest.

Measured: the driver takes ten times longer to write an array item by item than the server takes to read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType

from mobile_sync.adapters import binary

NULL = "\\N"
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def cell(text: str | None) -> str:
    """A text as COPY reads it, null as its sign."""
    return NULL if text is None else text.translate(_ESCAPED)


def copy_rows(session: Session, table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
    """Add rows; each line is its cells between tabs, without the line's end.

    Raises:
        DBAPIError: as an INSERT would.
    """
    _copy(session, f"COPY {table} ({', '.join(columns)}) FROM STDIN", "".join(f"{line}\n" for line in lines))


def copy_binary(session: Session, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """The same of rows made of the cells of `binary`, each behind its `row_head`: half the work for both sides.

    Raises:
        DBAPIError: as an INSERT would.
    """
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    _copy(session, statement, b"".join((binary.HEADER, *rows, binary.END)))


def _copy(session: Session, statement: str, written: str | bytes) -> None:
    connection = session.connection()
    raw = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[union-attr]
            copy.write(written)
    except psycopg.Error as error:
        lost = connection.dialect.is_disconnect(error, raw, None)  # type: ignore[arg-type]
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            True,
            lost,
            connection.dialect,
        ) from error


class Packed(UserDefinedType[Sequence[Any]]):
    """An array of numbers, times, texts, JSON texts or UUIDs."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, item: str) -> None:
        self.item = item

    def get_col_spec(self, **_: Any) -> str:
        """In a cast."""
        return f"{self.item}[]"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """As PostgreSQL's text."""
        del dialect
        write = _hex if self.item == "uuid" else _quoted if self.item in _IN_QUOTES else _bare
        return lambda items: "{" + ",".join(map(write, items)) + "}"


_IN_QUOTES = frozenset({"text", "json", "jsonb", "timestamptz"})


def _bare(item: Any) -> str:
    return "NULL" if item is None else str(item)


def _hex(item: UUID | None) -> str:
    return "NULL" if item is None else f"{item.int:032x}"


def _quoted(item: Any) -> str:
    return "NULL" if item is None else '"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"'
