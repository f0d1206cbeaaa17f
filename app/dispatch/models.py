"""Tables of dispatch: what the desk must look at because a crew did not go."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Scoped, by_value


class AlertKind(StrEnum):
    """What the crew did instead of going. Values are those of `jobs.models.EndReason` where both have them."""

    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    HANDED_BACK = "handed_back"


class CrewAlert(Scoped):
    """A crew that was sent does not answer, refused, or gave the job back.

    Whether it still stands follows from the job and its assignment, never from a column here: an alert cannot outlive
    its cause. `level` counts how often it was passed on because nobody took it (`rules.CHAIN`).
    """

    __tablename__ = "crew_alert"
    __table_args__ = (
        UniqueConstraint("assignment_id", "kind"),
        CheckConstraint("level >= 0", name="level"),
        CheckConstraint("num_nulls(taken_by, taken_at) IN (0, 2)", name="taken"),
        Index("ix_crew_alert_job_id", "job_id"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    crew_id: Mapped[UUID] = mapped_column(ForeignKey("crew.id"))
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignment.id"))
    kind: Mapped[AlertKind] = mapped_column(by_value(AlertKind, name="kind"))
    raised_at: Mapped[datetime]
    level: Mapped[int] = mapped_column(default=0)
    passed_on_at: Mapped[datetime | None]
    taken_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    taken_at: Mapped[datetime | None]
