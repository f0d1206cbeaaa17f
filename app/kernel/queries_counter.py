"""Counts the statements a piece of work sends to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

_BOOKKEEPING = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


@dataclass
class QueryCount:
    """The statements of one block, as they were sent (with placeholders, without values)."""

    statements: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many statements."""
        return len(self.statements)


_counts: ContextVar[tuple[QueryCount, ...]] = ContextVar("query_counts", default=())


@contextmanager
def count_queries() -> Iterator[QueryCount]:
    """Count the statements sent in this block by this thread, on any connection; blocks may be nested."""
    count = QueryCount()
    token = _counts.set((*_counts.get(), count))
    try:
        yield count
    finally:
        _counts.reset(token)


@event.listens_for(Engine, "before_cursor_execute")
def _count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:  # noqa: ARG001  # SQLAlchemy's signature
    note_statement(statement)


def note_statement(statement: str) -> None:
    """Count a statement that is sent past SQLAlchemy."""
    if _counts.get() and not statement.startswith(_BOOKKEEPING):
        for count in _counts.get():
            count.statements.append(statement)
