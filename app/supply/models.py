"""Tables of supply: the confirmed cause of an outage, its stages of restoration, expected times, calls to customers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Scoped, by_value

ONE_STANDING_CONFIRMATION = "uq_confirmation_standing"


class CauseCode(StrEnum):
    """Why supply was lost. The last two are meant by the utility."""

    STORM = "storm"
    TREE = "tree"
    ANIMAL = "animal"
    AGEING = "ageing"
    OVERLOAD = "overload"
    THIRD_PARTY = "third_party"
    CUSTOMER_SIDE = "customer_side"
    OPERATION = "operation"
    UNKNOWN = "unknown"
    PLANNED_WORK = "planned_work"
    TEMPORARY_WORK = "temporary_work"


class StatedBy(StrEnum):
    """Whose word it is: the crew's who stood there, or the control centre's."""

    CREW = "crew"
    DESK = "desk"


class Confirmation(Scoped):
    """Which device an outage is about, and why it failed. A new one takes the place of the one before."""

    __tablename__ = "confirmation"
    __table_args__ = (
        Index(ONE_STANDING_CONFIRMATION, "outage_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        CheckConstraint("num_nonnulls(node_id, link_id) = 1", name="one_device"),
        CheckConstraint("begun_at <= at AND undone_at >= at", name="in_order"),
        CheckConstraint("accounts >= 0", name="accounts"),
    )

    outage_id: Mapped[UUID] = mapped_column(ForeignKey("outage.id"), index=True)
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("network_node.id"))
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("network_link.id"))
    cause: Mapped[CauseCode] = mapped_column(by_value(CauseCode, name="cause"))
    extent: Mapped[str | None]
    stated_by: Mapped[StatedBy] = mapped_column(by_value(StatedBy, name="stated_by"))
    begun_at: Mapped[datetime]
    at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    accounts: Mapped[int]
    undone_at: Mapped[datetime | None]


class Restoration(Scoped):
    """A stage of an outage's restoration: so many accounts had supply again from then, by a switching or by word."""

    __tablename__ = "restoration"
    __table_args__ = (
        Index("uq_restoration_stage", "outage_id", "stage", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index("ix_restoration_switching_id", "switching_id"),
        CheckConstraint("(stated_by IS NULL) = (switching_id IS NOT NULL)", name="switched_or_stated"),
        CheckConstraint("stage > 0 AND accounts > 0", name="counts"),
    )

    outage_id: Mapped[UUID] = mapped_column(ForeignKey("outage.id"), index=True)
    stage: Mapped[int]
    at: Mapped[datetime]
    accounts: Mapped[int]
    switching_id: Mapped[UUID | None] = mapped_column(ForeignKey("switching.id"))
    stated_by: Mapped[StatedBy | None] = mapped_column(by_value(StatedBy, name="stated_by"))
    reason: Mapped[str | None]
    said_at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    undone_at: Mapped[datetime | None]


class Estimate(Scoped):
    """When somebody said that supply will be back. Never changed: the newest holds, those before are its history."""

    __tablename__ = "estimate"
    __table_args__ = (
        Index("ix_estimate_outage_id_said_at", "outage_id", "said_at"),
        CheckConstraint("expected_at > said_at", name="to_come"),
    )

    outage_id: Mapped[UUID] = mapped_column(ForeignKey("outage.id"))
    expected_at: Mapped[datetime]
    stated_by: Mapped[StatedBy] = mapped_column(by_value(StatedBy, name="stated_by"))
    reason: Mapped[str | None]
    said_at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class Answer(StrEnum):
    """What came of a call to a customer."""

    CALLED = "called"
    NOT_REACHED = "not_reached"
    HAS_POWER = "has_power"


class Contact(Scoped):
    """A call to a customer of an outage. Never changed: the newest of an account holds."""

    __tablename__ = "contact"
    __table_args__ = (Index("ix_contact_outage_id_account_id_at", "outage_id", "account_id", "at"),)

    outage_id: Mapped[UUID] = mapped_column(ForeignKey("outage.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    answer: Mapped[Answer] = mapped_column(by_value(Answer, name="answer"))
    at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
