"""Tables of crews."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shapely.geometry import Point
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Model, Revised, Scoped, by_value, gist
from app.kernel.geo import Shape

ONE_CREW_PER_MEMBER = "uq_crew_member_current"


class CrewKind(StrEnum):
    """What a crew is for."""

    OUTAGE_REPAIR = "outage_repair"
    GAS_INSTALLATION = "gas_installation"
    INSPECTION = "inspection"
    METERING = "metering"
    CARE = "care"
    CONTRACTOR = "contractor"


class Vehicle(Scoped):
    """A van or lorry."""

    __tablename__ = "vehicle"
    __table_args__ = (UniqueConstraint("branch_id", "plate"),)

    plate: Mapped[str]
    kind: Mapped[str]


class Crew(Revised):
    """A crew that can be sent."""

    __tablename__ = "crew"
    __table_args__ = (UniqueConstraint("branch_id", "code"), UniqueConstraint("id", "branch_id"))

    org_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("org_unit.id"))
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[CrewKind] = mapped_column(by_value(CrewKind, name="kind"))
    vehicle_id: Mapped[UUID | None] = mapped_column(ForeignKey("vehicle.id"))
    phone: Mapped[str | None]


class CrewMember(Scoped):
    """Who is in a crew, since when. One crew at a time."""

    __tablename__ = "crew_member"
    __table_args__ = (
        Index(ONE_CREW_PER_MEMBER, "person_id", unique=True, postgresql_where=text("until IS NULL")),
        Index("ix_crew_member_crew_id", "crew_id"),
    )

    crew_id: Mapped[UUID] = mapped_column(ForeignKey("crew.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    lead: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class CrewRegion(Scoped):
    """A sub-district that a crew serves: its tablets hold what is amiss there. Both of the same branch."""

    __tablename__ = "crew_region"
    __table_args__ = (
        UniqueConstraint("crew_id", "place_id"),
        ForeignKeyConstraint(["crew_id", "branch_id"], ["crew.id", "crew.branch_id"]),
        ForeignKeyConstraint(["place_id", "branch_id"], ["place.id", "place.branch_id"]),
        Index("ix_crew_region_place_id", "place_id"),
    )

    crew_id: Mapped[UUID]
    place_id: Mapped[UUID]


class Shift(Scoped):
    """A span in which a crew is on duty."""

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="span"),
        Index("ix_shift_crew_id_ends_at", "crew_id", "ends_at"),
        Index("ix_shift_branch_id_ends_at", "branch_id", "ends_at"),
    )

    crew_id: Mapped[UUID] = mapped_column(ForeignKey("crew.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class CrewPosition(Model):
    """Where a crew was last heard from."""

    __tablename__ = "crew_position"
    __table_args__ = (gist("crew_position", "location"),)

    crew_id: Mapped[UUID] = mapped_column(ForeignKey("crew.id"), primary_key=True)
    branch_id: Mapped[UUID] = mapped_column(ForeignKey("branch.id"), index=True)
    location: Mapped[Point] = mapped_column(Shape("POINT"))
    accuracy_m: Mapped[float | None]
    at: Mapped[datetime]


class PositionFix(Scoped):
    """One reading of a tablet's position; made on the device, append only."""

    __tablename__ = "position_fix"
    __table_args__ = (Index("ix_position_fix_crew_id_at", "crew_id", "at"),)

    crew_id: Mapped[UUID] = mapped_column(ForeignKey("crew.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[UUID | None]
    location: Mapped[Point] = mapped_column(Shape("POINT"))
    accuracy_m: Mapped[float | None]
    at: Mapped[datetime]
    received_at: Mapped[datetime]
