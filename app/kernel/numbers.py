"""Readable numbers, such as QX20260716-0042: one series a branch, prefix and day.

A counter row a series instead of `max() + 1`: two calls in the same instant get two numbers. A number whose
transaction was rolled back is not given again, or leaves a gap; numbers name things, they count nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def next_numbers(
    session: Session, *, branch_id: UUID, prefixes: Sequence[str], now: datetime, timezone: str
) -> dict[str, str]:
    """The next number of each of the branch's series on its own calendar day, by prefix. One statement.

    Holds each series until the transaction ends: whoever wants the next number of the same series waits.
    """
    day = now.astimezone(ZoneInfo(timezone)).date()
    series = [{"branch_id": branch_id, "prefix": prefix, "day": day, "last": 1} for prefix in sorted(set(prefixes))]
    taken = session.execute(
        insert(NumberCounter)
        .values(series)
        .on_conflict_do_update(
            index_elements=[NumberCounter.branch_id, NumberCounter.prefix, NumberCounter.day],
            set_={"last": NumberCounter.last + 1},
        )
        .returning(NumberCounter.prefix, NumberCounter.last)
    )
    return {prefix: f"{prefix}{day:%Y%m%d}-{last:04d}" for prefix, last in taken}


def next_number(session: Session, *, branch_id: UUID, prefix: str, now: datetime, timezone: str) -> str:
    """The next number of one series; see `next_numbers`."""
    return next_numbers(session, branch_id=branch_id, prefixes=[prefix], now=now, timezone=timezone)[prefix]
