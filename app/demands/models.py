"""Tables of demands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shapely.geometry import Point
from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Scoped, by_value, gist
from app.kernel.geo import Shape


class DemandKind(StrEnum):
    """Service themes of the hotline."""

    OUTAGE_CALL = "outage_call"
    GAS_LEAK = "gas_leak"
    CONNECTION = "connection"
    BILLING = "billing"
    ENQUIRY = "enquiry"
    COMPLAINT = "complaint"


class Channel(StrEnum):
    """How it reached us."""

    PHONE = "phone"
    HALL = "hall"
    WEB = "web"
    WECHAT = "wechat"
    VISIT = "visit"


class Symptom(StrEnum):
    """What an outage caller reports."""

    NO_SUPPLY = "no_supply"
    PARTIAL_SUPPLY = "partial_supply"
    FLICKER = "flicker"
    LOW_VOLTAGE = "low_voltage"
    SPARKS = "sparks"
    WIRE_DOWN = "wire_down"
    NO_GAS = "no_gas"
    GAS_SMELL = "gas_smell"
    OTHER = "other"


class Demand(Scoped):
    """One demand. `first_asked_id` stays accountable until it is closed."""

    __tablename__ = "demand"
    __table_args__ = (
        UniqueConstraint("branch_id", "number"),
        gist("demand", "location"),
        Index("ix_demand_branch_id_caller_phone", "branch_id", "caller_phone"),
        Index("ix_demand_branch_id_taken_at", "branch_id", "taken_at"),
    )

    number: Mapped[str]
    kind: Mapped[DemandKind] = mapped_column(by_value(DemandKind, name="kind"))
    channel: Mapped[Channel] = mapped_column(by_value(Channel, name="channel"))
    symptom: Mapped[Symptom] = mapped_column(by_value(Symptom, name="symptom"))
    caller_name: Mapped[str | None]
    caller_phone: Mapped[str | None]
    premises_id: Mapped[UUID | None] = mapped_column(ForeignKey("premises.id"), index=True)
    location: Mapped[Point] = mapped_column(Shape("POINT"))
    address: Mapped[str | None]
    note: Mapped[str | None]
    taken_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    first_asked_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    taken_at: Mapped[datetime]
    outage_id: Mapped[UUID | None] = mapped_column(ForeignKey("outage.id"), index=True)
    closed_at: Mapped[datetime | None]
