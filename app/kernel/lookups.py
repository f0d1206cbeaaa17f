"""Reading statements that are asked all day, sent as text: composing them, and reading rows by types, costs more."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import psycopg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.pool import PoolProxiedConnection

from app.kernel.queries_counter import note_statement

_DIALECT = dialect()  # type: ignore[no-untyped-call]


class Lookup:
    """A statement, composed once. Its rows have its columns as attributes, as the driver reads them: enums are text."""

    def __init__(self, statement: Select[Any]) -> None:
        self._text = str(statement.compile(dialect=_DIALECT))
        self._columns = tuple(column.name for column in statement.selected_columns)

    def first(self, connection: PoolProxiedConnection, bound: Mapping[str, Any]) -> Any:
        """Its first row, or None. A connection that did not stand is not used again.

        Raises:
            psycopg.Error: as any statement.
        """
        note_statement(self._text)
        try:
            with closing(connection.cursor()) as cursor:
                cursor.execute(self._text, bound)
                row = cursor.fetchone()
        except psycopg.OperationalError as error:
            connection.invalidate(error)
            raise
        return None if row is None else SimpleNamespace(**dict(zip(self._columns, row, strict=True)))
