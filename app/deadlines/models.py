"""Tables of deadlines: what people said of a job's clocks. The clocks themselves are worked out, never kept."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Scoped, by_value

ONE_OPEN_PAUSE = "uq_deadline_pause_open"
ONE_DEVIATION = "uq_deadline_deviation_job_id_code"


class Clock(StrEnum):
    """Whose limit it is."""

    LAW = "law"
    PROMISE = "promise"
    EXPECTATION = "expectation"


class Milestone(StrEnum):
    """What stops a clock."""

    ARRIVED = "arrived"
    RESTORED = "restored"
    COMPLETED = "completed"


class PauseCause(StrEnum):
    """Why clocks stand still."""

    CUSTOMER = "customer"  # asked for another time, or is to get something ready
    ACCESS = "access"  # nobody lets the crew in
    WEATHER = "weather"
    OTHERS = "others"  # waits for another company or authority


class Stage(StrEnum):
    """What an alert says of a clock."""

    SOON = "soon"
    MISSED = "missed"


class DeadlinePause(Scoped):
    """A stretch in which a job's clocks stand still, with its cause."""

    __tablename__ = "deadline_pause"
    __table_args__ = (
        CheckConstraint("ended_at IS NULL OR ended_at >= began_at", name="ended_at"),
        CheckConstraint("note IS NULL OR length(btrim(note)) > 0", name="note"),
        Index(ONE_OPEN_PAUSE, "job_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_deadline_pause_job_id", "job_id"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    cause: Mapped[PauseCause] = mapped_column(by_value(PauseCause, name="cause"))
    note: Mapped[str | None]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class DeadlineDeviation(Scoped):
    """Why a limit was missed, in somebody's words. Said once."""

    __tablename__ = "deadline_deviation"
    __table_args__ = (
        UniqueConstraint("job_id", "code", name=ONE_DEVIATION),
        CheckConstraint("length(btrim(reason)) > 0", name="reason"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    code: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class DeadlineAlert(Scoped):
    """A clock that runs out soon, or has run out. Whether it stands follows from the clock, never from a column here.

    `level` counts how often it was passed on because nobody took it (`dispatch.rules.CHAIN`).
    """

    __tablename__ = "deadline_alert"
    __table_args__ = (
        UniqueConstraint("job_id", "code", "stage"),
        CheckConstraint("level >= 0", name="level"),
        CheckConstraint("num_nulls(taken_by, taken_at) IN (0, 2)", name="taken"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    code: Mapped[str]
    stage: Mapped[Stage] = mapped_column(by_value(Stage, name="stage"))
    raised_at: Mapped[datetime]
    level: Mapped[int] = mapped_column(default=0)
    passed_on_at: Mapped[datetime | None]
    taken_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    taken_at: Mapped[datetime | None]
