"""A server process that may die before any statement it sends, and a database that may give up at any."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from mobile_sync.simulation.faults import Died, Fuse


class _Deadlock(Exception):
    """What PostgreSQL would say."""

    sqlstate = "40P01"


@dataclass
class Process:
    """Listens to the engine; burns a step of both fuses for each statement and commit inside `mortal`."""

    engine: Engine
    fuse: Fuse
    trouble: Fuse
    burning: bool = False

    def __post_init__(self) -> None:
        event.listen(self.engine, "before_cursor_execute", self._statement)
        event.listen(self.engine, "commit", self._commit)

    def end(self) -> None:
        """Listen no more."""
        event.remove(self.engine, "before_cursor_execute", self._statement)
        event.remove(self.engine, "commit", self._commit)

    @contextmanager
    def mortal(self) -> Iterator[None]:
        """Only what the server does for others may die; what the simulation itself reads may not."""
        self.burning = True
        try:
            yield
        finally:
            self.burning = False

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        self._step(" ".join(statement.split())[:60])

    def _commit(self, _connection: Any) -> None:
        self._step("COMMIT")

    def _step(self, what: str) -> None:
        if not self.burning:
            return
        self.fuse.burn(what)
        try:
            self.trouble.burn(what)
        except Died as died:
            raise OperationalError(what, {}, _Deadlock()) from died
