"""Tables of outages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shapely.geometry import Point
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Revised, Scoped, by_value
from app.kernel.geo import Shape
from app.network.models import Commodity

ONE_STANDING_MERGE = "uq_outage_merge_standing"


class OutageState(StrEnum):
    """From the first call to the closing check."""

    OPEN = "open"
    RESTORED = "restored"
    CLOSED = "closed"
    MERGED = "merged"


class Outage(Revised):
    """A loss of supply with one cause."""

    __tablename__ = "outage"
    __table_args__ = (
        UniqueConstraint("branch_id", "number"),
        Index(
            "ix_outage_open_location_gist", "location", postgresql_using="gist", postgresql_where=text("state = 'open'")
        ),
        Index("ix_outage_branch_id_opened_at", "branch_id", "opened_at"),
        CheckConstraint("(state = 'merged') = (merged_into_id IS NOT NULL)", name="merged_into"),
    )

    number: Mapped[str]
    commodity: Mapped[Commodity] = mapped_column(by_value(Commodity, name="commodity"))
    state: Mapped[OutageState] = mapped_column(by_value(OutageState, name="state"))
    location: Mapped[Point] = mapped_column(Shape("POINT"))
    suspected_node_id: Mapped[UUID | None] = mapped_column(ForeignKey("network_node.id"))
    cause: Mapped[str | None]
    opened_at: Mapped[datetime]
    restored_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("outage.id"))


class OutageMerge(Scoped):
    """Which calls and jobs an outage brought to another when it was merged into it."""

    __tablename__ = "outage_merge"
    __table_args__ = (
        Index(ONE_STANDING_MERGE, "outage_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index("ix_outage_merge_into_id", "into_id"),
        CheckConstraint("outage_id <> into_id", name="another"),
    )

    outage_id: Mapped[UUID] = mapped_column(ForeignKey("outage.id"))
    into_id: Mapped[UUID] = mapped_column(ForeignKey("outage.id"))
    at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    demand_ids: Mapped[list[Any]]
    job_ids: Mapped[list[Any]]
    undone_at: Mapped[datetime | None]
