"""Tables of jobs. A job carries its own address and contact: a work order is a snapshot of what was asked."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shapely.geometry import Point
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Model, Record, Revised, Scoped, by_value, gist
from app.kernel.geo import Shape
from app.staff.models import Skill

ONE_LIVE_PER_CREW = "uq_assignment_live_crew"
ONE_OPEN_PER_JOB = "uq_assignment_open_job"
NO_VISITS_AT_ONCE = "ex_assignment_visits_of_crew"


class JobKind(StrEnum):
    """What has to be done."""

    OUTAGE_REPAIR = "outage_repair"
    GAS_LEAK = "gas_leak"
    GAS_ALTERATION = "gas_alteration"
    GAS_IGNITION = "gas_ignition"
    INSPECTION = "inspection"
    METERING = "metering"
    CARE_VISIT = "care_visit"


class JobState(StrEnum):
    """The life of a job (jobs.rules.TRANSITIONS)."""

    NEW = "new"
    PLANNED = "planned"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    WORKING = "working"
    RESTORED = "restored"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Priority(StrEnum):
    """How urgent, most urgent first."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    NORMAL = "normal"


class EndReason(StrEnum):
    """Why an assignment ended."""

    COMPLETED = "completed"
    HANDED_BACK = "handed_back"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"


class Form(Model):
    """One version of a checklist: JSON Schema of its answers, photo and signature slots. Superseded, never edited."""

    __tablename__ = "form"

    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    job_kind: Mapped[JobKind] = mapped_column(by_value(JobKind, name="job_kind"))
    document: Mapped[dict[str, Any]]
    published_at: Mapped[datetime]


class Job(Revised):
    """A crew's work."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("branch_id", "number"),
        ForeignKeyConstraint(["form_code", "form_version"], ["form.code", "form.version"]),
        CheckConstraint("window_end > window_start", name="window"),
        CheckConstraint("state <> 'completed' OR completed_at IS NOT NULL", name="completed_at"),
        gist("job", "location"),
        Index(
            "ix_job_open",
            "branch_id",
            "opened_at",
            "id",
            postgresql_where=text("state NOT IN ('completed', 'cancelled')"),
        ),
        Index("ix_job_branch_id_opened_at_id", "branch_id", "opened_at", "id"),
        Index("ix_job_number_prefix", "branch_id", "number", postgresql_ops={"number": "text_pattern_ops"}),
        Index(
            "ix_job_number_end",
            func.reverse(text("number")).label("backwards"),
            postgresql_ops={"backwards": "text_pattern_ops"},
        ),
    )

    number: Mapped[str]
    kind: Mapped[JobKind] = mapped_column(by_value(JobKind, name="kind"))
    state: Mapped[JobState] = mapped_column(by_value(JobState, name="state"))
    priority: Mapped[Priority] = mapped_column(by_value(Priority, name="priority"))
    required_skill: Mapped[Skill] = mapped_column(by_value(Skill, name="required_skill"))
    address: Mapped[str]
    location: Mapped[Point] = mapped_column(Shape("POINT"))
    contact_name: Mapped[str | None]
    contact_phone: Mapped[str | None]
    premises_id: Mapped[UUID | None] = mapped_column(ForeignKey("premises.id"), index=True)
    outage_id: Mapped[UUID | None] = mapped_column(ForeignKey("outage.id"), index=True)
    form_code: Mapped[str]
    form_version: Mapped[int]
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    note: Mapped[str | None]
    finding: Mapped[str | None]
    opened_at: Mapped[datetime]
    arrived_at: Mapped[datetime | None]
    restored_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class Assignment(Scoped):
    """A crew sent to a job (live) or booked for it (planned).

    A crew has one live assignment and never two visits at once, a job has one open assignment.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        Index(ONE_LIVE_PER_CREW, "crew_id", unique=True, postgresql_where=text("live AND ended_at IS NULL")),
        Index(ONE_OPEN_PER_JOB, "job_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_assignment_crew_id_assigned_at", "crew_id", "assigned_at"),
        Index("ix_assignment_job_id", "job_id"),
        Index("ix_assignment_branch_id_ended_at", "branch_id", "ended_at"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint(
            "num_nulls(planned_start, planned_end) IN (0, 2) AND planned_end > planned_start", name="visit"
        ),
        ExcludeConstraint(
            ("crew_id", "="),
            (text("tstzrange(planned_start, planned_end)"), "&&"),
            where=text("ended_at IS NULL AND planned_start IS NOT NULL"),
            name=NO_VISITS_AT_ONCE,
        ),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    crew_id: Mapped[UUID] = mapped_column(ForeignKey("crew.id"))
    live: Mapped[bool]
    planned_start: Mapped[datetime | None]
    planned_end: Mapped[datetime | None]
    assigned_at: Mapped[datetime]
    assigned_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[EndReason | None] = mapped_column(by_value(EndReason, name="end_reason"))
    reasons: Mapped[list[Any]] = mapped_column(default=list)


class JobEvent(Record):
    """One line of a job's timeline. Append only."""

    __tablename__ = "job_event"
    __table_args__ = (Index("ix_job_event_job_id_at", "job_id", "at"),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    crew_id: Mapped[UUID | None] = mapped_column(ForeignKey("crew.id"))
    device_id: Mapped[UUID | None]
    kind: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class FormRecord(Revised):
    """The filled checklist of a job: one answer an item."""

    __tablename__ = "form_record"
    __table_args__ = (ForeignKeyConstraint(["form_code", "form_version"], ["form.code", "form.version"]),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"), unique=True)
    form_code: Mapped[str]
    form_version: Mapped[int]
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
