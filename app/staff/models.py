"""Tables of staff."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Scoped, by_value


class Skill(StrEnum):
    """What a job can ask for."""

    HIGH_VOLTAGE = "high_voltage"
    LOW_VOLTAGE = "low_voltage"
    METERING = "metering"
    GAS_PIPE = "gas_pipe"
    GAS_IGNITION = "gas_ignition"
    INSPECTION = "inspection"
    CARE = "care"


class Grade(StrEnum):
    """How well."""

    JUNIOR = "junior"
    INTERMEDIATE = "intermediate"
    SENIOR = "senior"


class Qualification(Scoped):
    """A person's valid right to do a kind of work."""

    __tablename__ = "qualification"
    __table_args__ = (
        CheckConstraint("valid_until > valid_from", name="valid_span"),
        Index("ix_qualification_person_id_skill", "person_id", "skill"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    skill: Mapped[Skill] = mapped_column(by_value(Skill, name="skill"))
    grade: Mapped[Grade] = mapped_column(by_value(Grade, name="grade"))
    certificate_no: Mapped[str | None]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
