"""Readable numbers, such as QX20260716-0042: one series a branch, prefix and day.

A counter row a series instead of `max() + 1`: two calls in the same instant get two numbers. A number whose
transaction was rolled back is not given again, or leaves a gap; numbers name things, they count nothing.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel.db import Model


class NumberCounter(Model):
    """The last number given in a series."""

    __tablename__ = "number_counter"

    branch_id: Mapped[UUID] = mapped_column(ForeignKey("branch.id"), primary_key=True)
    prefix: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[int]


def next_number(session: Session, *, branch_id: UUID, prefix: str, now: datetime, timezone: str) -> str:
    """The next number of the branch's series on its own calendar day. Holds the series until the transaction ends."""
    day = now.astimezone(ZoneInfo(timezone)).date()
    first = insert(NumberCounter).values(branch_id=branch_id, prefix=prefix, day=day, last=1)
    given = session.execute(
        first.on_conflict_do_update(
            index_elements=[NumberCounter.branch_id, NumberCounter.prefix, NumberCounter.day],
            set_={"last": NumberCounter.last + 1},
        ).returning(NumberCounter.last)
    ).scalar_one()
    return f"{prefix}{day:%Y%m%d}-{given:04d}"
