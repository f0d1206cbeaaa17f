"""Tasks: what follows from a fact, run once for each outbox row.

The row is claimed, the task's effect written and the row marked done in one transaction, so that a worker killed at any
moment leaves either nothing or everything. Effects outside the database must be idempotent by themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.kernel.actor import SYSTEM
from app.kernel.outbox import OutboxRow
from app.kernel.unit_of_work import Runtime, UnitOfWork

log = logging.getLogger(__name__)

MAX_TRIES = 8  # with the pauses below: given up after about five hours
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=2)
KEEP_DONE = timedelta(days=7)

Arguments = ParamSpec("Arguments")
Task = Callable[Concatenate[UnitOfWork, Arguments], None]


class NoSuchTask(Exception):
    """An outbox row names something that is not a task."""


def task(function: Task[Arguments]) -> Task[Arguments]:
    """Mark a function that the outbox may name. It takes `uow`, then JSON-able keywords (ids as text)."""
    function.__dict__["outbox_task"] = True
    return function


def run(runtime: Runtime, row_id: UUID) -> bool:
    """Do the work of a row; True when it was done here and now.

    False: it is done, given up or in another worker's hands, or it failed and waits for its next try.
    """
    try:
        with runtime.unit_of_work(SYSTEM) as uow:
            row = claim(uow.session, row_id)
            if row is None:
                return False
            named(row.task)(uow, **row.payload)
            row.done_at = uow.now
    except Exception as error:  # whatever broke in the task, the row has to say so
        log.exception("task failed", extra={"outbox_id": str(row_id)})
        note_failure(runtime, row_id, error)
        return False
    return True


def claim(session: Session, row_id: UUID) -> OutboxRow | None:
    """The row, locked until the end of the transaction; None when there is nothing to do or somebody is at it."""
    query = select(OutboxRow).where(OutboxRow.id == row_id, undone()).with_for_update(skip_locked=True)
    return session.scalars(query).one_or_none()


def undone() -> ColumnElement[bool]:
    """Rows that still have to be worked on; the partial index has them."""
    return OutboxRow.done_at.is_(None) & OutboxRow.given_up_at.is_(None)


def named(path: str) -> Callable[..., None]:
    """The task at a dotted path.

    Raises:
        NoSuchTask: there is no such function, or it is not marked as a task.
    """
    module, _, name = path.rpartition(".")
    function = getattr(import_module(module), name, None)
    if function is None or not getattr(function, "outbox_task", False):
        raise NoSuchTask(path)
    return cast("Callable[..., None]", function)


def note_failure(runtime: Runtime, row_id: UUID, error: Exception) -> None:
    """Count the try and say when the next is due. Only the error's type is kept: its words may hold personal data."""
    with runtime.unit_of_work(SYSTEM) as uow:
        row = claim(uow.session, row_id)
        if row is None:
            return
        row.tries += 1
        row.last_error = type(error).__name__
        row.due_at = uow.now + pause(row.tries)
        if row.tries >= MAX_TRIES:
            row.given_up_at = uow.now
            log.error("task given up", extra={"outbox_id": str(row_id), "task": row.task})


def pause(tries: int) -> timedelta:
    """How long to wait after this many failures: 10 s, 40 s, 160 s … at most two hours."""
    return min(FIRST_PAUSE * (1 << 2 * (tries - 1)), LONGEST_PAUSE)


def overdue(session: Session, *, before: datetime, lease_until: datetime, limit: int) -> list[OutboxRow]:
    """Undone rows due before a time and in nobody's hands, oldest first; they are not overdue again until the lease."""
    query = (
        select(OutboxRow)
        .where(undone(), OutboxRow.due_at <= before)
        .order_by(OutboxRow.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(query))
    for row in rows:
        row.due_at = lease_until
    return rows


def drain(runtime: Runtime, *, most: int = 1_000) -> int:
    """Do here and now whatever is undone and due, oldest first, and what follows from it; returns how many were done.

    For the command line and for tests, where no worker runs.
    """
    done = 0
    while done < most:
        with runtime.sessions() as session:
            query = select(OutboxRow.id).where(undone(), OutboxRow.due_at <= runtime.clock())
            ids = list(session.scalars(query.order_by(OutboxRow.due_at).limit(most)))
        successes = sum(run(runtime, row_id) for row_id in ids)
        if not successes:
            break
        done += successes
    return done


def forget_done(session: Session, now: datetime) -> int:
    """Drop rows done long ago; returns how many. What was given up stays until somebody has looked."""
    result: Any = session.execute(delete(OutboxRow).where(OutboxRow.done_at < now - KEEP_DONE))
    return int(result.rowcount)
