"""Reading statements that are asked all day, straight through libpq: a cursor costs as much as PostgreSQL's answer."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import psycopg
from psycopg import adapt
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.pool import PoolProxiedConnection

from app.kernel.queries_counter import note_statement

if TYPE_CHECKING:
    from psycopg.abc import Transformer
    from psycopg.pq.abc import PGconn, PGresult

_DIALECT = dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class Lookup:
    """A statement, composed once. It binds bytes, texts and `Packed` arrays.

    Its rows have its columns as attributes, as the driver reads them: enums are text.
    """

    def __init__(self, name: str, statement: Select[*tuple[Any, ...]]) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self._name, self._text = name.encode(), str(compiled)
        names = compiled.positiontup or ()
        self._binds = {name: compiled.binds[name].type.bind_processor(_DIALECT) or _as_it_is for name in names}
        self._columns = tuple(column.name for column in statement.selected_columns)

    def first(self, connection: PoolProxiedConnection, bound: Mapping[str, Any], *, prepared: bool = True) -> Any:
        """Its first row, or None. A connection on which it failed is not used again.

        `prepared`: once for the life of the connection, on which nothing may be rolled back: the driver forgets then.

        Raises:
            psycopg.Error: as any statement.
        """
        note_statement(self._text)
        try:
            reader = self._reader(connection) if prepared else adapt.Transformer(_driver(connection))
            result = self._ask(_driver(connection).pgconn, bound, prepared=prepared)
        except psycopg.Error as error:
            connection.invalidate(error)
            raise
        if not result.ntuples:
            return None
        reader.set_pgresult(result)
        return SimpleNamespace(**dict(zip(self._columns, reader.load_row(0, tuple), strict=True)))

    def _reader(self, connection: PoolProxiedConnection) -> Transformer:
        """What reads its rows on a connection that knows it; it is told there on the first time."""
        known: Transformer | None = connection.info.get(self)
        if known is None:
            driver = _driver(connection)
            _succeeded(driver.pgconn, driver.pgconn.prepare(self._name, self._text.encode()))
            known = connection.info[self] = adapt.Transformer(driver)
        return known

    def _ask(self, line: PGconn, bound: Mapping[str, Any], *, prepared: bool) -> PGresult:
        values = [write(bound[name]) for name, write in self._binds.items()]
        sent = [value if isinstance(value, bytes) else value.encode() for value in values]
        formats = [Format.BINARY if isinstance(value, bytes) else Format.TEXT for value in values]
        if prepared:
            return _succeeded(line, line.exec_prepared(self._name, sent, formats, Format.BINARY))
        return _succeeded(line, line.exec_params(self._text.encode(), sent, None, formats, Format.BINARY))


def _as_it_is(value: Any) -> Any:
    return value


def _driver(connection: PoolProxiedConnection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.driver_connection)


def _succeeded(line: PGconn, result: PGresult) -> PGresult:
    if result.status in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}:
        return result
    if line.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise error_from_result(result)
