"""Facts written with the change that made them; what follows from them is done after commit.

The row is the truth, RQ only the doorbell: a lost ring is rung again by the sweeper.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Model, Record


@dataclass(frozen=True)
class Event:
    """A fact, past tense. Fields are JSON-able values or UUIDs."""

    def payload(self) -> dict[str, Any]:
        """The fields with UUIDs as text."""
        return {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(self).items()}

    @classmethod
    def kind(cls) -> str:
        """`room.ClassName`, the key of the reactions table."""
        return f"{cls.__module__.split('.')[1]}.{cls.__name__}"


class OutboxRow(Record):
    """One piece of work that must follow an event: a task and its arguments."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_undone", "due_at", postgresql_where=text("done_at IS NULL AND given_up_at IS NULL")),
    )

    event: Mapped[str]
    task: Mapped[str]
    queue: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class DueWork(Model):
    """Work that comes round by the clock: one row a name, claimed by whoever is first."""

    __tablename__ = "due_work"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    every_s: Mapped[int]
    last_done_at: Mapped[datetime | None]
