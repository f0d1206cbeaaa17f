"""Table of interruptions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Scoped, by_value
from app.network.models import Commodity


class CauseClass(StrEnum):
    """Whether the utility meant it. The two are never added up silently."""

    PLANNED = "planned"
    FAULT = "fault"


class Interruption(Scoped):
    """One account without supply, from one moment to another; none: still. `stage` counts how it came back: 1, 2, …

    Two of one account have a moment with supply between them: what begins as the other ends is the same interruption.
    """

    __tablename__ = "interruption"
    __table_args__ = (
        CheckConstraint("restored_at > begun_at", name="restored_after_begun"),
        CheckConstraint("(stage IS NULL) = (restored_at IS NULL) AND stage > 0", name="stage_of_what_is_restored"),
        ExcludeConstraint(
            ("account_id", "="),
            (text("tstzrange(begun_at, restored_at, '[]')"), "&&"),
            name="ex_interruption_account_once_at_a_time",
            using="gist",
        ),
        Index("ix_interruption_branch_id_commodity_begun_at", "branch_id", "commodity", "begun_at"),
    )

    outage_id: Mapped[UUID] = mapped_column(ForeignKey("outage.id"), index=True)
    commodity: Mapped[Commodity] = mapped_column(by_value(Commodity, name="commodity"))
    cause_class: Mapped[CauseClass] = mapped_column(by_value(CauseClass, name="cause_class"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    begun_at: Mapped[datetime]
    restored_at: Mapped[datetime | None]
    stage: Mapped[int | None]
