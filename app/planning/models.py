"""Tables of plans."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from app.kernel.db import Scoped, by_value

ONE_AT_WORK = "uq_plan_at_work"


class PlanState(StrEnum):
    """The life of a plan."""

    WAITING = "waiting"
    RUNNING = "running"
    PROPOSED = "proposed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Change(StrEnum):
    """What a plan would do with a visit."""

    NEW = "new"  # on nobody's day yet
    MOVED = "moved"  # another crew or another time
    KEPT = "kept"
    REFUSED = "refused"  # on nobody's day in this plan


class Outcome(StrEnum):
    """What became of a line that was accepted."""

    BOOKED = "booked"
    MISFIT = "misfit"  # the day has moved on; nothing was changed


class Plan(Scoped):
    """A proposal for one day of a branch, with all it was made from. `rounds` are those of the best plan found."""

    __tablename__ = "plan"
    __table_args__ = (
        UniqueConstraint("id", "branch_id"),
        Index("ix_plan_branch_id_day", "branch_id", "day", "asked_at"),
        Index(ONE_AT_WORK, "branch_id", "day", unique=True, postgresql_where=text("state IN ('waiting', 'running')")),
        CheckConstraint("state <> 'proposed' OR (inputs IS NOT NULL AND cost IS NOT NULL)", name="proposed_whole"),
        CheckConstraint("(inputs IS NULL) = (input_hash IS NULL)", name="inputs_named"),
        CheckConstraint("seconds BETWEEN 5 AND 120", name="seconds"),
    )

    day: Mapped[date]
    state: Mapped[PlanState] = mapped_column(by_value(PlanState, name="state"))
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    seconds: Mapped[int]
    seed: Mapped[int]
    stop_asked: Mapped[bool] = mapped_column(default=False)
    engine: Mapped[str | None]
    travel_version: Mapped[str | None]
    input_hash: Mapped[str | None]
    inputs: Mapped[bytes | None] = deferred(mapped_column())
    crews: Mapped[int | None]
    visits: Mapped[int | None]
    rounds: Mapped[int | None]
    cost: Mapped[int | None]
    left_out: Mapped[int | None]
    trail: Mapped[list[Any]] = mapped_column(default=list)
    terms: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PlanStop(Scoped):
    """What a plan would do with one job, what it stood at before, and what became of it."""

    __tablename__ = "plan_stop"
    __table_args__ = (
        UniqueConstraint("plan_id", "job_id"),
        Index("ix_plan_stop_job_id", "job_id"),
        CheckConstraint("(change = 'refused') = (crew_id IS NULL)", name="crew_unless_refused"),
        CheckConstraint("num_nulls(crew_id, planned_start, planned_end) IN (0, 3)", name="whole_visit"),
        CheckConstraint("planned_end > planned_start", name="span"),
        CheckConstraint("(change IN ('moved', 'kept')) <= (booking_id IS NOT NULL)", name="moved_from_somewhere"),
    )

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    change: Mapped[Change] = mapped_column(by_value(Change, name="change"))
    crew_id: Mapped[UUID | None] = mapped_column(ForeignKey("crew.id"))
    planned_start: Mapped[datetime | None]
    planned_end: Mapped[datetime | None]
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("assignment.id"))
    crew_before_id: Mapped[UUID | None] = mapped_column(ForeignKey("crew.id"))
    start_before: Mapped[datetime | None]
    reason: Mapped[dict[str, Any] | None]
    outcome: Mapped[Outcome | None] = mapped_column(by_value(Outcome, name="outcome"))
    problem: Mapped[dict[str, Any] | None]
